//! Reading columns: every value is parsed when it is read, since SQLite holds no column to its type.

use std::str::FromStr;

use placet_domain::Timestamp;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::error::{Error, damaged};

pub(crate) fn unsigned(row: &SqliteRow, column: usize) -> Result<u64, Error> {
    let value: i64 = row.try_get(column)?;
    u64::try_from(value).map_err(|_| damaged(format!("a stored number is negative: {value}")))
}

pub(crate) fn signed(value: u64) -> Result<i64, Error> {
    i64::try_from(value).map_err(|_| damaged(format!("a number is too large to store: {value}")))
}

pub(crate) fn parsed<T: FromStr>(row: &SqliteRow, column: usize) -> Result<T, Error>
where
    T::Err: std::fmt::Display,
{
    let text: &str = row.try_get(column)?;
    text.parse().map_err(|e| damaged(format!("a stored value cannot be read: {e}")))
}

pub(crate) fn moment(row: &SqliteRow, column: usize) -> Result<Timestamp, Error> {
    Ok(Timestamp::from_micros(row.try_get(column)?))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        // Writing to a text cannot fail.
        let _ = write!(out, "{byte:02x}");
        out
    })
}

pub(crate) fn unhex(text: &str) -> Result<Vec<u8>, Error> {
    let broken = || damaged("a stored tile is not hex");
    if !text.len().is_multiple_of(2) {
        return Err(broken());
    }
    text.as_bytes()
        .chunks(2)
        .map(|pair| {
            let pair = std::str::from_utf8(pair).map_err(|_| broken())?;
            u8::from_str_radix(pair, 16).map_err(|_| broken())
        })
        .collect()
}

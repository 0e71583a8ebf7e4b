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

pub(crate) fn unhex(text: &str) -> Result<Vec<u8>, Error> {
    hex::decode(text).map_err(|_| damaged("a stored tile is not hex"))
}

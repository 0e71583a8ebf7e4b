//! How bytes are mangled on an ordinary run: the same seed mangles in the same way.

use placet_sim::dice::Dice;

/// What parsers trip over.
const SHARP: &[&[u8]] = &[
    b"\0",
    b"\n",
    b"\r\n",
    b"\"",
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b",",
    b"#",
    b" ",
    b"\t",
    b"-1",
    b"0",
    b"18446744073709551616",
    b"1e309",
    b"\xff\xfe",
    "\u{202e}".as_bytes(),
    "\u{fffd}".as_bytes(),
    b"null",
    b"../",
    b"%00",
    b"'''",
    b"--",
    b"==",
];

/// One of the kept ones, mangled in one to four places.
pub fn mangled(kept: &[Vec<u8>], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = dice.pick(kept).cloned().unwrap_or_default();
    for _ in 0..=dice.below(4) {
        once(&mut bytes, kept, dice);
    }
    bytes
}

fn once(bytes: &mut Vec<u8>, kept: &[Vec<u8>], dice: &mut Dice) {
    let end = u64::try_from(bytes.len()).unwrap_or(0);
    let mut place = || usize::try_from(dice.below(end + 1)).unwrap_or(0);
    let (one, other) = (place(), place());
    let (from, to) = (one.min(other), one.max(other).min(one.min(other) + 64));
    let part = bytes.get(from..to).unwrap_or_default().to_vec();
    match dice.below(7) {
        0 => {
            let bit = 1u8 << dice.below(8);
            if let Some(byte) = bytes.get_mut(from) {
                *byte ^= bit;
            }
        }
        1 => drop(bytes.drain(from..to)),
        2 => drop(bytes.splice(from..from, part)),
        3 => bytes.truncate(from),
        4 => {
            let sharp = dice.pick(SHARP).copied().unwrap_or_default();
            bytes.splice(from..from, sharp.iter().copied());
        }
        5 => {
            let sharp = dice.pick(SHARP).copied().unwrap_or_default();
            bytes.splice(from..to, sharp.iter().copied());
        }
        _ => {
            let other = dice.pick(kept).cloned().unwrap_or_default();
            let half = other.len() / 2;
            bytes.truncate(from);
            bytes.extend(other.get(half..).unwrap_or_default());
        }
    }
}

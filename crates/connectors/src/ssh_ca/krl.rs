//! Key revocation lists in OpenSSH's binary form (PROTOCOL.krl), as `sshd` reads them under
//! `RevokedKeys`: a bounded reader, and a writer that keeps what it does not know by name.
//!
//! Only serials of one CA are understood and changed. Sections of other CAs, of plain keys and of
//! fingerprints stay byte for byte; a signed list is read, and never written, since its signature
//! would no longer fit.

use std::collections::BTreeMap;

const MAGIC: u64 = 0x5353_484b_524c_0a00;
const FORMAT: u32 = 1;

const CERTIFICATES: u8 = 1;
const SIGNATURE: u8 = 4;
/// Plain keys, their SHA-1 and SHA-256, and extensions.
const OTHERS: [u8; 4] = [2, 3, 5, 255];

const SERIAL_LIST: u8 = 0x20;
const SERIAL_RANGE: u8 = 0x21;
const SERIAL_BITMAP: u8 = 0x22;
const KEY_IDS: u8 = 0x23;
const CERTIFICATE_EXTENSION: u8 = 0x39;

/// The largest bitmap, as OpenSSH bounds it, in bytes.
const LARGEST_BITMAP: usize = 2_049;

/// The most ranges of serials that are held.
const MOST_RANGES: usize = 1 << 20;

/// A part that is kept as it is: its type and its bytes.
type Kept = (u8, Vec<u8>);

/// A list, with the serials of one CA understood.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Krl {
    /// The CA's public key, as it stands in a certificate.
    ca: Vec<u8>,
    version: u64,
    generated: u64,
    comment: Vec<u8>,
    serials: Ranges,
    /// What else is revoked of this CA: by key id, or by an extension.
    own: Vec<Kept>,
    others: Vec<Kept>,
    signed: bool,
}

/// Serials, as ranges that neither touch nor overlap.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Ranges(BTreeMap<u64, u64>);

impl Ranges {
    fn contains(&self, serial: u64) -> bool {
        self.0.range(..=serial).next_back().is_some_and(|(_, end)| serial <= *end)
    }

    fn insert(&mut self, mut low: u64, mut high: u64) -> Result<(), String> {
        // From the left: everything that touches or overlaps becomes one with it.
        while let Some((start, end)) = self.0.range(..=high.saturating_add(1)).next_back() {
            let (start, end) = (*start, *end);
            if end.saturating_add(1) < low {
                break;
            }
            low = low.min(start);
            high = high.max(end);
            self.0.remove(&start);
        }
        self.0.insert(low, high);
        if self.0.len() > MOST_RANGES {
            return Err("it revokes more serials than can be held".to_owned());
        }
        Ok(())
    }
}

impl Krl {
    /// A list that revokes nothing.
    pub fn empty(ca: &[u8], generated: u64) -> Self {
        Self {
            ca: ca.to_vec(),
            version: 1,
            generated,
            comment: b"placet".to_vec(),
            serials: Ranges::default(),
            own: Vec::new(),
            others: Vec::new(),
            signed: false,
        }
    }

    pub fn is_revoked(&self, serial: u64) -> bool {
        self.serials.contains(serial)
    }

    /// Revokes a serial; whether the list had to change for it.
    pub fn revoke(&mut self, serial: u64, generated: u64) -> Result<bool, String> {
        // OpenSSH knows no serial 0: it stands for "none".
        if serial == 0 {
            return Err("serial 0 cannot be revoked".to_owned());
        }
        if self.is_revoked(serial) {
            return Ok(false);
        }
        self.serials.insert(serial, serial)?;
        self.version = self.version.saturating_add(1);
        self.generated = generated;
        Ok(true)
    }

    /// Forgets single serials; ranges stay, for they were not made here.
    pub fn forget(&mut self, is_over: impl Fn(u64) -> bool) {
        self.serials.0.retain(|low, high| low != high || !is_over(*low));
    }

    /// Reads a list for one CA.
    pub fn read(bytes: &[u8], ca: &[u8]) -> Result<Self, String> {
        let mut input = Input(bytes);
        if input.u64()? != MAGIC || input.u32()? != FORMAT {
            return Err("it is not a revocation list of a form that is known".to_owned());
        }
        let mut krl = Self { version: input.u64()?, ..Self::empty(ca, input.u64()?) };
        if input.u64()? != 0 {
            return Err("it has flags that are not known".to_owned());
        }
        input.string()?;
        krl.comment = input.string()?.to_vec();
        while !input.is_over() {
            let (kind, body) = (input.u8()?, input.string()?);
            match kind {
                CERTIFICATES => krl.read_certificates(body)?,
                SIGNATURE => {
                    // What follows is the signature itself; nothing comes after it.
                    krl.signed = true;
                    input.string()?;
                }
                kind if OTHERS.contains(&kind) => krl.others.push((kind, body.to_vec())),
                kind => return Err(format!("it has a section of a kind not known: {kind}")),
            }
        }
        Ok(krl)
    }

    fn read_certificates(&mut self, section: &[u8]) -> Result<(), String> {
        let mut input = Input(section);
        let ca = input.string()?;
        input.string()?;
        if ca != self.ca.as_slice() {
            self.others.push((CERTIFICATES, section.to_vec()));
            return Ok(());
        }
        while !input.is_over() {
            let (kind, body) = (input.u8()?, input.string()?);
            let mut part = Input(body);
            match kind {
                SERIAL_LIST => {
                    while !part.is_over() {
                        let serial = part.u64()?;
                        self.serials.insert(serial, serial)?;
                    }
                }
                SERIAL_RANGE => {
                    let (low, high) = (part.u64()?, part.u64()?);
                    if low > high || !part.is_over() {
                        return Err("it has a range that is none".to_owned());
                    }
                    self.serials.insert(low, high)?;
                }
                SERIAL_BITMAP => self.read_bitmap(part)?,
                KEY_IDS | CERTIFICATE_EXTENSION => self.own.push((kind, body.to_vec())),
                kind => return Err(format!("it has a part of a kind not known: {kind}")),
            }
        }
        Ok(())
    }

    /// The number's lowest bit stands for the serial at the offset.
    fn read_bitmap(&mut self, mut part: Input<'_>) -> Result<(), String> {
        let (offset, bitmap) = (part.u64()?, part.string()?);
        if bitmap.len() > LARGEST_BITMAP || !part.is_over() {
            return Err("it has a bitmap that is too large".to_owned());
        }
        let bits = bitmap.iter().rev().flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1 == 1));
        for (at, _) in (0u64..).zip(bits).filter(|(_, set)| *set) {
            let serial = offset.checked_add(at).ok_or("it has a bitmap beyond all serials")?;
            self.serials.insert(serial, serial)?;
        }
        Ok(())
    }

    /// The list as it is published.
    pub fn write(&self) -> Result<Vec<u8>, String> {
        if self.signed {
            return Err("it is signed, and a changed list would not fit its signature".to_owned());
        }
        let mut out = Output::default();
        out.u64(MAGIC);
        out.u32(FORMAT);
        out.u64(self.version);
        out.u64(self.generated);
        out.u64(0);
        out.string(b"")?;
        out.string(&self.comment)?;
        let own = self.certificates()?;
        for (kind, body) in own.iter().chain(&self.others) {
            out.0.push(*kind);
            out.string(body)?;
        }
        Ok(out.0)
    }

    /// The section of this CA; none if it revokes nothing.
    fn certificates(&self) -> Result<Option<Kept>, String> {
        if self.serials.0.is_empty() && self.own.is_empty() {
            return Ok(None);
        }
        let mut out = Output::default();
        out.string(&self.ca)?;
        out.string(b"")?;
        let mut list = Output::default();
        for (low, high) in &self.serials.0 {
            if low == high {
                list.u64(*low);
                continue;
            }
            let mut range = Output::default();
            range.u64(*low);
            range.u64(*high);
            out.0.push(SERIAL_RANGE);
            out.string(&range.0)?;
        }
        if !list.0.is_empty() {
            out.0.push(SERIAL_LIST);
            out.string(&list.0)?;
        }
        for (kind, body) in &self.own {
            out.0.push(*kind);
            out.string(body)?;
        }
        Ok(Some((CERTIFICATES, out.0)))
    }
}

/// What is left to read.
struct Input<'b>(&'b [u8]);

impl<'b> Input<'b> {
    fn is_over(&self) -> bool {
        self.0.is_empty()
    }

    fn take(&mut self, length: usize) -> Result<&'b [u8], String> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or("it ends too early")?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        self.take(N)?.try_into().map_err(|_| "it ends too early".to_owned())
    }

    fn u8(&mut self) -> Result<u8, String> {
        self.array().map(u8::from_be_bytes)
    }

    fn u32(&mut self) -> Result<u32, String> {
        self.array().map(u32::from_be_bytes)
    }

    fn u64(&mut self) -> Result<u64, String> {
        self.array().map(u64::from_be_bytes)
    }

    fn string(&mut self) -> Result<&'b [u8], String> {
        let length = usize::try_from(self.u32()?).map_err(|e| e.to_string())?;
        self.take(length)
    }
}

#[derive(Default)]
struct Output(Vec<u8>);

impl Output {
    fn u32(&mut self, value: u32) {
        self.0.extend(value.to_be_bytes());
    }

    fn u64(&mut self, value: u64) {
        self.0.extend(value.to_be_bytes());
    }

    fn string(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.u32(u32::try_from(bytes.len()).map_err(|_| "it has grown too large".to_owned())?);
        self.0.extend(bytes);
        Ok(())
    }
}

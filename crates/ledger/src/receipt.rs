//! Receipts: that one entry is in the log, checkable offline (C2SP `tlog-proof`, version 1).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::checkpoint::Checkpoint;
use crate::error::Error;
use crate::key::VerifierKey;
use crate::proof::{self, Proof};

const FIRST_LINE: &str = "c2sp.org/tlog-proof@v1";

/// No receipt is longer, in bytes; the checkpoint may carry signatures of witnesses.
const LARGEST: usize = 256 * 1024;

/// Where an entry stands, the proof of it, and the signed checkpoint that it was proved against.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Receipt {
    pub index: u64,
    pub proof: Proof,
    /// The text of the signed note.
    pub checkpoint: String,
}

impl Receipt {
    /// The text of a `.tlog-proof` file.
    pub fn to_text(&self) -> String {
        let mut text = format!("{FIRST_LINE}\nindex {}\n", self.index);
        for line in Vec::<String>::from(self.proof.clone()) {
            text.push_str(&line);
            text.push('\n');
        }
        text.push('\n');
        text.push_str(&self.checkpoint);
        text
    }

    /// Reads a `.tlog-proof` text. The `extra` line that others may write is not kept: nothing
    /// proves what it says.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let unreadable = |why: &str| Error::Receipt { why: why.to_owned() };
        if text.len() > LARGEST {
            return Err(unreadable("it is longer than any receipt"));
        }
        let (head, checkpoint) =
            text.split_once("\n\n").ok_or_else(|| unreadable("it has no empty line"))?;
        let mut lines = head.split('\n').peekable();
        if lines.next() != Some(FIRST_LINE) {
            return Err(unreadable(&format!("its first line is not `{FIRST_LINE}`")));
        }
        if let Some(extra) = lines.next_if(|line| line.starts_with("extra ")) {
            let data = extra.trim_start_matches("extra ");
            STANDARD.decode(data).map_err(|_| unreadable("its extra line is not base64"))?;
        }
        let index = lines.next().and_then(|line| line.strip_prefix("index "));
        let index = index
            .and_then(|digits| digits.parse::<u64>().ok().filter(|n| n.to_string() == digits))
            .ok_or_else(|| unreadable("it has no index"))?;
        let proof = Proof::try_from(lines.map(str::to_owned).collect::<Vec<String>>())?;
        Ok(Self { index, proof, checkpoint: checkpoint.to_owned() })
    }

    /// Checks that `leaf` is in the log of `key`, and answers with the checkpoint that shows it.
    pub fn verify(&self, leaf: &[u8], key: &VerifierKey) -> Result<Checkpoint, Error> {
        let checkpoint = Checkpoint::open(&self.checkpoint, key)?;
        proof::check_inclusion(self.index, leaf, checkpoint.head(), &self.proof)?;
        Ok(checkpoint)
    }
}

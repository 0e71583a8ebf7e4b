//! Dice: everything that is drawn in a simulated world, from one seed. SHA-256 in counter mode, so
//! that a draw depends on nothing but the seed and how often was drawn before.

use placet_domain::canonical::Digest;

/// A stream of draws.
#[derive(Clone, Debug)]
pub struct Dice {
    seed: Digest,
    drawn: u64,
}

impl Dice {
    /// Dice for one purpose: draws for another purpose do not move these.
    pub fn new(seed: u64, purpose: &str) -> Self {
        Self { seed: Digest::of(format!("{purpose}/{seed}").as_bytes()), drawn: 0 }
    }

    pub fn bytes(&mut self) -> [u8; 32] {
        self.drawn += 1;
        let mut text = self.seed.as_bytes().to_vec();
        text.extend(self.drawn.to_be_bytes());
        *Digest::of(&text).as_bytes()
    }

    /// A number from 0 up to, and without, `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        let mut number = [0; 8];
        number.copy_from_slice(self.bytes().split_at(8).0);
        u64::from_be_bytes(number) % limit.max(1)
    }

    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        let length = u64::try_from(from.len()).unwrap_or(u64::MAX);
        from.get(usize::try_from(self.below(length)).unwrap_or(0))
    }
}

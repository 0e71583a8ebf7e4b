//! Where time, ids and randomness come from: the machine, or a simulation. Nothing else in the
//! engine reads a clock or draws by itself.

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::sync::LazyLock;
use std::time::Instant;

use placet_domain::Timestamp;
use uuid::Uuid;

/// The world outside, as far as the engine needs it.
pub trait Environment: Debug + Send + Sync {
    /// What the clock shows; anybody may have set it.
    fn now(&self) -> Timestamp;

    /// Microseconds by a clock that nobody sets, from any beginning.
    fn steady(&self) -> i64;

    /// Unpredictable bytes: for secrets, salts and ids.
    fn random(&self) -> [u8; 32];

    /// Resolves when this many seconds have passed.
    fn after(&self, seconds: u64) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

impl dyn Environment {
    /// A fresh id: uuid v7, so that rows made together lie together.
    pub fn id<T: From<Uuid>>(&self) -> T {
        let mut tail = [0; 10];
        tail.copy_from_slice(self.random().split_at(10).0);
        let millis = u64::try_from(self.now().as_micros() / 1_000).unwrap_or(0);
        T::from(uuid::Builder::from_unix_timestamp_millis(millis, &tail).into_uuid())
    }

    pub fn salt(&self) -> [u8; 16] {
        let mut salt = [0; 16];
        salt.copy_from_slice(self.random().split_at(16).0);
        salt
    }
}

/// The machine's clock and random source.
#[derive(Clone, Copy, Debug, Default)]
pub struct Machine;

impl Environment for Machine {
    #[allow(clippy::disallowed_methods)] // The one place that reads the clock.
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let micros = since.map_or(0, |since| since.as_micros());
        Timestamp::from_micros(i64::try_from(micros).unwrap_or(i64::MAX))
    }

    #[allow(clippy::disallowed_methods)] // As above.
    fn steady(&self) -> i64 {
        static BEGINNING: LazyLock<Instant> = LazyLock::new(Instant::now);
        i64::try_from(BEGINNING.elapsed().as_micros()).unwrap_or(i64::MAX)
    }

    #[allow(clippy::expect_used)] // Without a random source there is no secret to give out.
    fn random(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).expect("the machine has no random source");
        bytes
    }

    fn after(&self, seconds: u64) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(tokio::time::sleep(std::time::Duration::from_secs(seconds)))
    }
}

//! Mail: a receiver of notices that remembers what it was given, fails when it is told to, and may
//! be where the process dies.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use placet_connectors::receivers::{Failed, Message, Receiver};
use placet_domain::Timestamp;
use placet_engine::Channel;

use crate::chaos::Fate;

#[derive(Debug, Default)]
struct Bag {
    came: Vec<Message>,
    /// So many are turned away.
    refuses: u32,
    /// From the next on, the process dies once one has come.
    deadly: bool,
}

/// What came out of Placet, over all of its processes.
#[derive(Clone, Debug)]
pub struct Mail {
    fate: Fate,
    inside: Arc<Mutex<Bag>>,
}

impl Mail {
    pub fn new(fate: Fate) -> Self {
        Self { fate, inside: Arc::default() }
    }

    fn inside(&self) -> MutexGuard<'_, Bag> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn channels(&self) -> Vec<Channel> {
        let receiver = Arc::new(self.clone());
        vec![Channel { name: "mail".to_owned(), kinds: None, receiver }]
    }

    pub fn refuse(&self, count: u32) {
        self.inside().refuses = count;
    }

    pub fn die_with_the_next(&self) {
        self.inside().deadly = true;
    }

    /// What has come from the given one on.
    pub fn from(&self, first: usize) -> Vec<Message> {
        self.inside().came.get(first..).unwrap_or_default().to_vec()
    }
}

#[async_trait]
impl Receiver for Mail {
    async fn deliver(&self, message: &Message, _now: Timestamp) -> Result<(), Failed> {
        let dies = {
            let mut inside = self.inside();
            if inside.refuses > 0 {
                inside.refuses -= 1;
                return Err(Failed::again("it was told to refuse"));
            }
            inside.came.push(message.clone());
            std::mem::take(&mut inside.deadly)
        };
        if dies {
            self.fate.die().await;
        }
        Ok(())
    }
}

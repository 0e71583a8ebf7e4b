//! The contract of the store, written once against [`placet_store::Store`] and run on every store
//! that there is. A new one (PostgreSQL) adds a kind of [`ground::Ground`] and a line in
//! `on_every_store`; what is about SQLite's files alone stands in `files`, `tables` and `edited`.

#[cfg(test)]
macro_rules! on_every_store {
    ($($test:ident),* $(,)?) => {
        mod on_sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(&crate::ground::Ground::sqlite()).await;
            })*
        }

        mod behind_a_slow_log {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(&crate::ground::Ground::slow()).await;
            })*
        }
    };
}

#[cfg(test)]
mod commits;
#[cfg(test)]
mod company;
#[cfg(test)]
mod crashes;
#[cfg(test)]
mod edited;
#[cfg(test)]
mod files;
#[cfg(test)]
mod governed;
#[cfg(test)]
mod ground;
#[cfg(test)]
mod lists;
#[cfg(test)]
mod tables;

//! What it takes to be there: the size of the program, how soon it serves, and what it holds in
//! memory while nobody asks anything.

use std::path::Path;
use std::time::Duration;

use crate::company::Company;
use crate::figure::{Aim, Figure, percentile};
use crate::machine;
use crate::server::Place;

const COMPANY: Company = Company { people: 50, owners: 2, targets: 4, entitlements: 16 };
const STARTS: usize = 9;

pub async fn measure(binary: &Path, dir: &Path) -> anyhow::Result<()> {
    let size = std::fs::metadata(binary)?.len();
    Figure::new("size of the program", size as f64 / 1e6, "MB").say();
    let place = Place { binary: binary.to_owned(), dir: dir.join("start") };
    place.found(&COMPANY.catalogue("simulated"))?;
    let mut started = Vec::new();
    for _ in 0..STARTS {
        let server = place.serve()?;
        started.push(server.started);
        server.stop()?;
    }
    Figure::new("start until it serves", percentile(&started, 50) as f64 / 1e6, "s")
        .aim(Aim::AtMost(0.2))
        .say();
    let server = place.serve()?;
    // The first rounds of the workers are over by then.
    tokio::time::sleep(Duration::from_secs(5)).await;
    let resident = machine::resident(server.pid())?;
    Figure::new("memory, idle", resident, "MB").aim(Aim::AtMost(60.0)).say();
    server.stop()
}

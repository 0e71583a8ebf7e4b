//! The database itself has room for so many pages more and no others: each flow runs into its end at
//! every place in turn. What could not be written was not done, what was due ended, and with room the
//! flow comes through.

use sqlx::{Connection as _, Row as _, SqliteConnection};

use crate::book::Book;
use crate::commits::{Ahead, Flow, Walk, company, reopened};

#[tokio::test]
async fn at_every_page_that_the_disk_lacks_the_flow_stops_in_words_and_goes_on() {
    let mut world = company().await;
    let ahead = Ahead::default();
    let (mut stopped, mut book) = (0, Book::default());
    for flow in [Flow::People, Flow::Token] {
        for room in 0.. {
            let path = world.dir.path().join("data/placet.db");
            let url = format!("sqlite://{}", path.display());
            let mut database = SqliteConnection::connect(&url).await.unwrap();
            let row = sqlx::query("pragma page_count").fetch_one(&mut database).await.unwrap();
            let pages = u32::try_from(row.get::<i64, _>(0)).unwrap();
            database.close().await.unwrap();

            reopened(&mut world, &ahead, Some(pages + room), |store| store).await;
            let because = format!("{flow:?}, with room for {room} pages");
            let (refused, was_there) = (Vec::new(), false);
            let mut walk = Walk { world: &world, ahead: &ahead, flow, because, refused, was_there };
            let done = walk.through(12).await;
            let Walk { because, refused, was_there, .. } = walk;
            let full = |one: &&String| one.starts_with("storage_full: ");
            assert_eq!(refused.iter().find(|one| !full(one)), None, "{because}");
            if done {
                break;
            }
            stopped += 1;
            reopened(&mut world, &ahead, None, |store| store).await;
            let mut walk = Walk {
                world: &world,
                ahead: &ahead,
                flow,
                because,
                refused: Vec::new(),
                was_there,
            };
            assert!(walk.through(40).await, "{}: {:?}", walk.because, walk.refused);
            world.engine.step().await;
            walk.holds(&mut book).await;
        }
    }
    assert!(stopped > 10, "it stopped at {stopped} places only");
}

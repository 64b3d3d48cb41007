//! A pipeline of two consumers that are killed at random while leaders are killed: the output is exactly the image of the
//! input, nothing is left out and nothing comes twice.

use cluster_tests::cluster::Cluster;
use cluster_tests::nemesis::LeaderKills;
use cluster_tests::program::Program;
use cluster_tests::seed;
use cluster_tests::wait::{PATIENCE, until};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

const RECORDS: usize = 1_500;
const APPEND_RECORDS: usize = 25;
/// How often each of the consumers is killed.
const KILLS: usize = 8;

/// Runs a consumer, kills it and starts it again, and lets it come to its end.
async fn consume(cluster: &Cluster, from: &str, into: &str, mut random: StdRng) {
    let count = RECORDS.to_string();
    for kill in 0..=KILLS {
        let mut program = Program::example(cluster, "enrich", &[from, into, &count]);
        if kill < KILLS {
            program.printed(random.random_range(0..6)).await;
            program.kill();
        } else {
            // A second one at once: it is to be slower, or the first is.
            let other = Program::example(cluster, "enrich", &[from, into, &count]);
            drop(program.ended().await.succeeded());
            drop(other.ended().await.succeeded());
        }
    }
}

async fn fill(cluster: &Cluster, visits: &[String]) {
    for (number, some) in visits.chunks(APPEND_RECORDS).enumerate() {
        let payloads: Vec<_> = some.iter().map(|visit| visit.clone().into()).collect();
        let id = format!("fill-{number}");
        let mut nodes = cluster.nodes().iter().cycle().skip(number);
        until(&format!("append {id} is answered"), PATIENCE, || {
            let client = nodes.next().expect("a cycle has no end").client();
            let (payloads, id) = (&payloads, &id);
            async move { client.append("raw", id, payloads).await.map_err(|failure| failure.to_string()) }
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pipeline_whose_consumers_and_leaders_are_killed_puts_out_the_image_of_its_input() {
    let cluster = Cluster::start("pipeline").await;
    let visitors = ["ada", "bob", "eve"].into_iter().cycle();
    let visits: Vec<_> = visitors.zip(0..RECORDS).map(|(who, page)| format!("{who} looks at page {page}")).collect();
    let mut random = seed::generator("a_pipeline");
    let mut generator = || StdRng::seed_from_u64(random.random());
    let (first, second) = (generator(), generator());
    let history = cluster.history();
    let kills = LeaderKills::new(&cluster, &history);
    let work = futures::future::join3(
        fill(&cluster, &visits),
        consume(&cluster, "raw", "half-done", first),
        consume(&cluster, "half-done", "done", second),
    );
    kills.during(Box::pin(work)).await;
    println!("{} leaders and {} consumers were killed", kills.count(), 2 * KILLS);
    cluster.equal().await;

    let image = |texts: &[String]| {
        let city = |text: &str| match text.split(' ').next() {
            Some("ada") => "London",
            Some("bob") => "Paris",
            _ => "Rome",
        };
        texts.iter().map(|text| format!("{text}, from {}", city(text))).collect::<Vec<_>>()
    };
    let client = cluster.node(1).client();
    assert_eq!(client.texts("raw").await, visits);
    assert_eq!(client.texts("half-done").await, image(&visits));
    assert_eq!(client.texts("done").await, image(&image(&visits)));
}

//! A bank: several clients move money at random, send again what they are not sure of, and leaders die meanwhile. No money is
//! lost and none is made, and each transfer is there once or not at all.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use cluster_tests::client::{Client, Effect, Failure};
use cluster_tests::cluster::Cluster;
use cluster_tests::command::{add, applied, command, put, record};
use cluster_tests::nemesis::LeaderKills;
use cluster_tests::proto::outcome::Verdict;
use cluster_tests::proto::{Outcome, SubmitRequest};
use cluster_tests::seed;
use cluster_tests::wait::{PATIENCE, until};
use futures::future::join_all;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

const ACCOUNTS: usize = 5;
const OPENING: i64 = 100;
const TELLERS: usize = 6;
const TRANSFERS: usize = 150;

fn account(number: usize) -> String {
    format!("bank/{number}")
}

/// One transfer, as it was asked for.
#[derive(Debug, Clone)]
struct Transfer {
    id: String,
    from: usize,
    to: usize,
    amount: i64,
}

impl Transfer {
    fn request(&self) -> SubmitRequest {
        let Self { id, from, to, amount } = self;
        let actions = vec![
            add(&account(*from), -amount),
            add(&account(*to), *amount),
            record("bank.journal", format!("{id} {from} {to} {amount}")),
        ];
        command(id, vec![], actions)
    }
}

/// What an answer says for ever; none if it says nothing of the id's fate.
fn fate(answer: Result<Outcome, Failure>) -> Result<Outcome, String> {
    match answer {
        Ok(outcome) => Ok(outcome),
        Err(failure) => match failure.outcome {
            Some(outcome) if failure.effect == Effect::None => Ok(*outcome),
            _ => Err(failure.to_string()),
        },
    }
}

async fn send(client: &Client, transfer: &Transfer) -> Result<Outcome, String> {
    fate(client.command(transfer.request()).await.map(|response| response.outcome.expect("an answer has an outcome")))
}

/// Makes transfers, one after the other; each is sent until it is answered, to one node after the other. Some are sent to two
/// nodes at once, and some once more afterwards.
async fn tell(clients: Vec<Client>, teller: usize, mut random: StdRng) -> Vec<(Transfer, Outcome)> {
    let mut told = Vec::new();
    for number in 0..TRANSFERS {
        let from = random.random_range(0..ACCOUNTS);
        let to = (from + random.random_range(1..ACCOUNTS)) % ACCOUNTS;
        let transfer = Transfer { id: format!("t-{teller}-{number}"), from, to, amount: random.random_range(1..60) };
        let first = random.random_range(0..clients.len());
        let mut turns = clients.iter().cycle().skip(first);
        let mut next = || turns.next().expect("a cycle has no end");
        let what = format!("transfer {} is answered", transfer.id);
        let (one, other) = (next(), next());
        let outcome = if random.random_ratio(1, 4) {
            match futures::future::join(send(one, &transfer), send(other, &transfer)).await {
                (Ok(one), Ok(other)) => {
                    assert_eq!(one, other, "{} has two outcomes", transfer.id);
                    one
                }
                _ => until(&what, PATIENCE, || send(next(), &transfer)).await,
            }
        } else {
            until(&what, PATIENCE, || send(next(), &transfer)).await
        };
        if random.random_ratio(1, 4) {
            let again = until(&what, PATIENCE, || send(next(), &transfer)).await;
            assert_eq!(again, outcome, "{} has two outcomes", transfer.id);
        }
        told.push((transfer, outcome));
    }
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bank_loses_and_makes_no_money_while_leaders_are_killed() {
    let cluster = Cluster::start("bank").await;
    for number in 0..ACCOUNTS {
        let open = command(&format!("open-{number}"), vec![], vec![put(&account(number), OPENING)]);
        applied(cluster.node(1).client(), open).await;
    }
    let mut random = seed::generator("a_bank");
    let history = cluster.history();
    let kills = LeaderKills::new(&cluster, &history);
    let tellers = (0..TELLERS).map(|teller| {
        let clients = cluster.clients(Duration::from_secs(3)).into_iter().map(|(_, client)| client).collect();
        tell(clients, teller, StdRng::seed_from_u64(random.random()))
    });
    let told: Vec<_> = kills.during(join_all(tellers)).await.into_iter().flatten().collect();
    cluster.equal().await;

    let is_applied = |outcome: &Outcome| matches!(outcome.verdict, Some(Verdict::Applied(_)));
    let made: BTreeSet<String> = told
        .iter()
        .filter(|(_, outcome)| is_applied(outcome))
        .map(|(Transfer { id, from, to, amount }, _)| format!("{id} {from} {to} {amount}"))
        .collect();
    let refused = told.len() - made.len();
    println!("{} transfers made, {refused} refused, {} leaders killed", made.len(), kills.count());
    assert!(kills.count() > 0 && !made.is_empty() && refused > 0, "such a run proves nothing");

    let mut balances: BTreeMap<usize, i64> = (0..ACCOUNTS).map(|number| (number, OPENING)).collect();
    let mut journal = BTreeSet::new();
    let client = cluster.node(1).client();
    for text in client.texts("bank.journal").await {
        let words: Vec<_> = text.split(' ').collect();
        let [_, from, to, amount] = words[..] else { panic!("{text}") };
        let amount: i64 = amount.parse().unwrap();
        *balances.get_mut(&from.parse().unwrap()).unwrap() -= amount;
        *balances.get_mut(&to.parse().unwrap()).unwrap() += amount;
        assert!(balances.values().all(|balance| *balance >= 0), "{text} made {balances:?}");
        assert!(journal.insert(text.clone()), "{text} is there twice");
    }
    assert_eq!(journal, made, "the journal tells what the clients were told");
    for (number, balance) in &balances {
        assert_eq!(client.number(&account(*number)).await, *balance);
    }
    assert_eq!(balances.values().sum::<i64>(), OPENING * i64::try_from(ACCOUNTS).unwrap());
}

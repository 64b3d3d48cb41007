//! A bank: tellers move money between a few accounts that may not be overdrawn, with a line in the journal under the
//! same id, and somebody counts all of it again and again. P18 insists that the sum never changes, P2 and P3 that each
//! transfer is there once, P8 that whoever counts sees what was acknowledged.

use std::time::Duration;

use rand::RngExt as _;
use tokio::time::sleep;
use uuid::Uuid;

use super::work::{Tried, Work};
use crate::command::{add, cell_absent, command, put, record};
use crate::history::{CellsSeen, Job, Number};
use crate::proto::cell_value;

/// Between two transfers of a teller.
const BREATH: Duration = Duration::from_millis(250);
/// Between two counts.
const COUNT_BREATH: Duration = Duration::from_millis(500);
const ACCOUNTS: usize = 5;
const OPENING: i64 = 100;
/// More than is on most accounts after a while: some transfers are refused.
const AMOUNT_MOST: i64 = 80;
/// What the keys of accounts begin with.
const BANK: &str = "bank/";
const JOURNAL: &str = "bank.journal";

fn account(number: usize) -> String {
    format!("{BANK}{number}")
}

pub(super) async fn run(work: Work) {
    if open(&work).await.is_none() {
        return;
    }
    while !work.is_stopped() {
        let (from, to, amount, at_once) = {
            let mut random = rand::rng();
            let from = random.random_range(0..ACCOUNTS);
            let to = (from + random.random_range(1..ACCOUNTS)) % ACCOUNTS;
            (account(from), account(to), random.random_range(1..=AMOUNT_MOST), random.random_ratio(1, 4))
        };
        let id = format!("transfer/{}/{}", work.client, Uuid::new_v4().simple());
        let line = record(JOURNAL, format!("{id} {from} {to} {amount}"));
        let request = command(&id, vec![], vec![add(&from, -amount), add(&to, amount), line]);
        let number = work.history.command(work.client, Job::Transfer { from, to, amount }, &request);
        let turn = work.turn();
        let sent = if at_once {
            let (one, other) = futures::future::join(
                work.try_command(number, &request, turn),
                work.try_command(number, &request, turn + 1),
            )
            .await;
            matches!(one, Tried::Decided(_)) || matches!(other, Tried::Decided(_))
        } else {
            false
        };
        if !sent {
            work.settle(number, &request).await;
        }
        sleep(BREATH).await;
    }
}

/// Opens the accounts, unless they are open.
async fn open(work: &Work) -> Option<()> {
    let accounts: Vec<String> = (0..ACCOUNTS).map(account).collect();
    let guards = accounts.iter().map(|account| cell_absent(account)).collect();
    let actions = accounts.iter().map(|account| put(account, OPENING)).collect();
    let id = format!("open/{}/{}", work.client, Uuid::new_v4().simple());
    let request = command(&id, guards, actions);
    work.command(Job::Open { accounts, balance: OPENING }, &request).await.map(|_| ())
}

/// Counts all accounts at once, at one node after the other.
pub(super) async fn look(work: Work) {
    for turn in 0.. {
        if work.is_stopped() {
            return;
        }
        let (node, client) = work.node(turn);
        let invoked = work.history.now();
        // All accounts are in one page, which is of one moment.
        let page = client.cells("", BANK, 0).await;
        if let Ok(page) = work.heard(node, "all accounts", page) {
            let completed = work.history.now();
            let cells = page.cells.into_iter().map(|cell| {
                let number = match cell.value.and_then(|value| value.value) {
                    Some(cell_value::Value::Integer(number)) => number,
                    other => panic!("account {} holds {other:?}", cell.key),
                };
                (cell.key, Number { number, version: cell.version })
            });
            let seen = CellsSeen { node, invoked, completed, cells: cells.collect() };
            work.history.remember(seen);
        }
        sleep(COUNT_BREATH).await;
    }
}

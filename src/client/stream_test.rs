//! Streams against a node that plays a script: what it takes, what it answers, when it breaks.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::stream::{self, StreamExt as _};
use tonic::Streaming;

use crate::types::{Id, LogName, NewRecord};
use crate::wire::{ErrorReport, Reason, v1};

use super::scripted::{self, Answers, Script};
use super::{AppendStream, Client, Receipt};

/// How a node treats one stream.
#[derive(Debug, Clone)]
struct Act {
    /// After how many appends it ends.
    takes: usize,
    /// Which of them it answers before.
    answers: Vec<u64>,
    end: End,
}

#[derive(Debug, Clone)]
enum End {
    Error(ErrorReport),
    Silence,
    WithTheClient,
}

#[derive(Debug, Clone, Default)]
struct Actor {
    script: Arc<Mutex<VecDeque<Act>>>,
    /// The ids that came, stream by stream.
    heard: Arc<Mutex<Vec<Vec<String>>>>,
}

impl Actor {
    async fn play(script: impl IntoIterator<Item = Act>) -> (Self, String) {
        let actor = Self { script: Arc::new(Mutex::new(script.into_iter().collect())), heard: Arc::default() };
        let address = scripted::play(actor.clone()).await;
        (actor, address)
    }

    fn heard(&self) -> Vec<Vec<String>> {
        self.heard.lock().unwrap().clone()
    }
}

fn answer(position: u64, id: &v1::CommandId) -> v1::AppendReply {
    let appended = v1::AppendResponse {
        arrival: v1::Arrival::First.into(),
        first_offset: position,
        count: 1,
        ..Default::default()
    };
    v1::AppendReply { position, id: Some(id.clone()), result: Some(v1::append_reply::Result::Appended(appended)) }
}

impl Script for Actor {
    fn append_stream(&self, request: Streaming<v1::AppendStreamRequest>) -> Answers<v1::AppendStreamResponse> {
        let act = self.script.lock().unwrap().pop_front().expect("the script is long enough");
        let place = {
            let mut heard = self.heard.lock().unwrap();
            heard.push(Vec::new());
            heard.len() - 1
        };
        let appends = request.map(|message| stream::iter(message.unwrap().appends)).flatten();
        let heard = self.heard.clone();
        let end = act.end.clone();
        let positions = stream::iter(0..);
        let answers = appends.take(act.takes).zip(positions).filter_map(move |(append, position)| {
            let id = append.id.unwrap();
            heard.lock().unwrap()[place].push(id.text.clone());
            let reply = act.answers.contains(&position).then(|| answer(position, &id));
            std::future::ready(reply.map(|reply| Ok(v1::AppendStreamResponse { replies: vec![reply] })))
        });
        let end = stream::once(async move {
            match end {
                End::Error(report) => Some(Err(report.to_status())),
                End::Silence => std::future::pending().await,
                End::WithTheClient => None,
            }
        });
        answers.chain(end.filter_map(std::future::ready)).boxed()
    }
}

fn client(addresses: &[&String], time: Duration) -> Client {
    Client::builder().addresses(addresses.iter().copied()).timeout(time).build().unwrap()
}

async fn send(stream: &AppendStream, ids: &[&str]) -> Vec<Receipt> {
    let mut receipts = Vec::new();
    for id in ids {
        let log = LogName::new("orders").unwrap();
        receipts.push(stream.send(&log, ["x"], Some(Id::new(*id).unwrap())).await.unwrap());
    }
    receipts
}

fn lost() -> End {
    End::Error(ErrorReport::outcome_unknown("the leader changed"))
}

const TIME: Duration = Duration::from_secs(10);

#[tokio::test]
async fn after_a_broken_stream_the_unanswered_are_sent_again_in_order_before_anything_new() {
    let breaks = Act { takes: 4, answers: vec![0, 2], end: lost() };
    let serves = Act { takes: 9, answers: (0..9).collect(), end: End::WithTheClient };
    let (actor, address) = Actor::play([breaks, serves]).await;
    let stream = client(&[&address], TIME).append_stream();
    let receipts = send(&stream, &["a", "b", "c", "d", "e"]).await;
    for receipt in receipts {
        receipt.await.unwrap();
    }
    stream.finish().await;
    let heard = actor.heard();
    assert_eq!(heard[0][..4], ["a", "b", "c", "d"]);
    assert_eq!(heard[1], ["b", "d", "e"]);
}

#[tokio::test]
async fn a_silent_node_is_left_for_another() {
    let silent = Act { takes: 1, answers: vec![], end: End::Silence };
    let serves = Act { takes: 9, answers: (0..9).collect(), end: End::WithTheClient };
    let ((hung, first), (_, second)) = (Actor::play([silent]).await, Actor::play([serves]).await);
    let stream = client(&[&first, &second], Duration::from_secs(3)).append_stream();
    for receipt in send(&stream, &["a", "b"]).await {
        receipt.await.unwrap();
    }
    assert_eq!(hung.heard(), [["a"]]);
}

#[tokio::test]
async fn when_the_time_is_over_the_receipt_names_the_id_and_the_doubt() {
    let silent = Act { takes: 1, answers: vec![], end: End::Silence };
    let (_, address) = Actor::play(vec![silent; 50]).await;
    let stream = client(&[&address], Duration::from_millis(300)).append_stream();
    let [receipt] = send(&stream, &["pay-1"]).await.try_into().unwrap();
    let error = receipt.await.unwrap_err();
    assert!(error.in_doubt(), "{error}");
    assert_eq!(error.id.as_ref().map(Id::text), Some("pay-1"));
    stream.finish().await;
}

#[tokio::test]
async fn a_node_that_cannot_is_left_out_and_when_none_is_left_that_is_the_end() {
    let cannot = Act {
        takes: 0,
        answers: vec![],
        end: End::Error(ErrorReport::without_effect(Reason::NotInitialised, "no cluster yet")),
    };
    let (_, address) = Actor::play([cannot]).await;
    let stream = client(&[&address], TIME).append_stream();
    let [receipt] = send(&stream, &["a"]).await.try_into().unwrap();
    assert_eq!(receipt.await.unwrap_err().reason(), Some(Reason::NotInitialised));
}

#[tokio::test]
async fn a_closed_stream_still_delivers_what_it_was_given() {
    let serves = Act { takes: 9, answers: (0..9).collect(), end: End::WithTheClient };
    let (_, address) = Actor::play([serves]).await;
    let stream = client(&[&address], TIME).append_stream();
    let receipts = send(&stream, &["a", "b"]).await;
    drop(stream);
    for receipt in receipts {
        receipt.await.unwrap();
    }
}

#[tokio::test]
async fn no_more_is_on_the_way_than_was_said() {
    let silent = Act { takes: 9, answers: vec![0], end: End::Silence };
    let (_, address) = Actor::play([silent]).await;
    let stream = client(&[&address], TIME).append_stream_of(2);
    let mut receipts = send(&stream, &["a", "b"]).await.into_iter();
    receipts.next().unwrap().await.unwrap();
    let _third = send(&stream, &["c"]).await;
    assert!(futures::poll!(std::pin::pin!(send(&stream, &["d"]))).is_pending());
}

#[tokio::test]
async fn what_no_node_would_take_is_not_sent() {
    let stream = client(&[&"127.0.0.1:1".to_owned()], TIME).append_stream();
    let error = stream.send(&LogName::new("orders").unwrap(), Vec::<NewRecord>::new(), None).await.unwrap_err();
    assert!(!error.in_doubt());
    assert!(error.id.is_some());
}

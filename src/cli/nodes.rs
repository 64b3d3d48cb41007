//! What nodes say that are asked one by one. All are asked at once: one that is down holds up no other.

use futures::future::join_all;

use crate::client::Error;

/// What a node answered, or why it did not.
pub(super) struct Asked<T> {
    pub(super) address: String,
    pub(super) answer: Result<T, Error>,
}

impl<T> Asked<T> {
    pub(super) fn said(&self) -> Option<&T> {
        self.answer.as_ref().ok()
    }

    /// Why it did not answer.
    pub(super) fn silence(&self) -> Option<String> {
        let why = |error: &Error| match error.tried.last() {
            Some(tried) => tried.last.message.clone(),
            None => error.cause.to_string(),
        };
        self.answer.as_ref().err().map(why)
    }
}

pub(super) async fn ask<T>(
    addresses: impl IntoIterator<Item = impl Into<String>>,
    question: impl AsyncFn(&str) -> Result<T, Error>,
) -> Vec<Asked<T>> {
    join_all(addresses.into_iter().map(async |address| {
        let address = address.into();
        let answer = question(&address).await;
        Asked { address, answer }
    }))
    .await
}

//! The answer to calls of services that a port does not serve: which port it is, and where the other one is.

use tonic::body::Body;
use tonic::service::Routes;

use crate::wire::{ErrorReport, Reason};

/// Answers every call of another service than these with a sentence.
pub fn with_fallback(routes: Routes, sentence: &str) -> Routes {
    let report = ErrorReport::without_effect(Reason::WrongPort, format!("no such service here: {sentence}"));
    let answer = move || {
        let status = report.to_status();
        async move { status.into_http::<Body>() }
    };
    routes.into_axum_router().fallback(answer).into()
}

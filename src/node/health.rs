//! The standard health service: serving only while a leader is known and the node has caught up.

use std::time::Duration;

use tonic_health::ServingStatus;
use tonic_health::pb::health_server::{Health as HealthApi, HealthServer};
use tonic_health::server::{HealthReporter, health_reporter};

use crate::raft::Raft;

/// The services whose health is told, besides the node as a whole.
const SERVICES: [&str; 3] = ["", "oncelog.v1.LogService", "oncelog.v1.AdminService"];

/// How often the node is looked at, whatever happens.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Tells health checkers how the node is.
pub(super) struct Health {
    reporter: HealthReporter,
    watching: tokio::task::JoinHandle<()>,
}

impl Health {
    /// Starts to watch the node.
    pub(super) fn start(raft: Raft) -> (Self, HealthServer<impl HealthApi>) {
        let (reporter, service) = health_reporter();
        let watched = reporter.clone();
        let watching = tokio::spawn(async move {
            loop {
                let serving = raft.is_serving();
                report(&watched, if serving { ServingStatus::Serving } else { ServingStatus::NotServing }).await;
                // Silence is no event: a leader that is not heard any more has to be noticed by looking.
                let _either = tokio::time::timeout(LOOK_EVERY, raft.wait_serving(!serving)).await;
            }
        });
        (Self { reporter, watching }, service)
    }

    /// Tells them that it is going, whatever it still does.
    pub(super) async fn set_not_serving(&self) {
        self.watching.abort();
        report(&self.reporter, ServingStatus::NotServing).await;
    }
}

async fn report(reporter: &HealthReporter, status: ServingStatus) {
    for service in SERVICES {
        reporter.set_service_status(service, status).await;
    }
}

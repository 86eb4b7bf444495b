//! Names to addresses, and only to those that may be called. The connection is made to exactly the addresses that were
//! looked at here, so a name that resolves to something else a moment later leads nowhere.

use crate::Reach;
use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tower_service::Service;

/// The system's resolver, and where calls may lead.
#[derive(Clone)]
pub(crate) struct Resolver {
    system: GaiResolver,
    reach: Arc<Reach>,
}

impl Resolver {
    pub(crate) fn new(reach: Arc<Reach>) -> Self {
        Self { system: GaiResolver::new(), reach }
    }
}

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, io::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), io::Error>> {
        self.system.poll_ready(context)
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let found = self.system.call(name);
        let reach = Arc::clone(&self.reach);
        Box::pin(async move {
            let mut refused = None;
            let allowed: Vec<SocketAddr> = found
                .await?
                .filter(|address| reach.check(address.ip()).map_err(|inside| refused = Some(inside)).is_ok())
                .collect();
            match refused {
                Some(inside) if allowed.is_empty() => Err(io::Error::new(io::ErrorKind::PermissionDenied, inside)),
                _ => Ok(allowed.into_iter()),
            }
        })
    }
}

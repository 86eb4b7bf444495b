//! Starts the built programs and talks to them as a person, an agent or an operator would. Only for tests.

mod api;
mod cli;
mod echo;
mod faulty;
mod held;
mod http;
mod identity;
mod peers;
mod person;
mod process;
mod site;
mod toolbox;

pub use api::OrdersApi;
pub use cli::{Cli, Said};
pub use echo::EchoApi;
pub use faulty::FaultyProxy;
pub use held::HeldApi;
pub use http::{Reply, get, post, request};
pub use identity::{IdentityProvider, identity_provider};
pub use peers::{Collector, McpPrograms, Peer, collector, httpbin, mcp, prefect, sarif_schema};
pub use person::Person;
pub use process::{Child, program, wait_until};
pub use site::Site;
pub use toolbox::{Sandbox, Toolbox};

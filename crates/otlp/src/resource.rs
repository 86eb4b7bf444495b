//! Who observes: the resource that every batch begins with, encoded once. And the scope, which is this product.

use crate::{Attributes, json, proto};

/// Instrumentation scope of everything that is sent.
pub(crate) const SCOPE: (&str, &str) = ("open-cli", env!("CARGO_PKG_VERSION"));

/// The process that observes (OpenTelemetry `Resource`).
#[derive(Debug, Clone, PartialEq)]
pub struct Resource {
    attributes: Attributes,
    /// The message `Resource`.
    pub(crate) proto: Vec<u8>,
    /// The same as JSON.
    pub(crate) json: Vec<u8>,
}

impl Resource {
    /// A resource with these attributes, e.g. `service.name`; of two with the same name the last counts.
    pub fn new(attributes: Attributes) -> Self {
        let mut unique = Attributes::with_capacity(attributes.len());
        for (name, value) in attributes {
            match unique.iter_mut().find(|(key, _)| *key == name) {
                Some((_, old)) => *old = value,
                None => unique.push((name, value)),
            }
        }
        let (proto, json) = (proto::resource(&unique), json::resource(&unique));
        Self { attributes: unique, proto, json }
    }

    /// Its attributes, each name once.
    pub fn attributes(&self) -> &Attributes {
        &self.attributes
    }
}

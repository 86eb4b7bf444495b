//! The shop: customers and orders, the rules about them, in memory. Not for: HTTP.

use crate::problem::FieldError;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Orders held at most; creating more is refused.
const MAX_ORDERS: usize = 10_000;
/// Items of an order at most.
const MAX_ITEMS: usize = 50;
const MAX_SKU: usize = 64;
const MAX_QUANTITY: u32 = 1000;
const MAX_PRICE_CENTS: u64 = 100_000_000;
/// Characters of a note at most.
const MAX_NOTE: usize = 500;

/// Where an order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    Pending,
    Paid,
    Shipped,
    Cancelled,
}

impl Status {
    /// The status a word names.
    pub(crate) fn parse(word: &str) -> Option<Self> {
        match word {
            "pending" => Some(Self::Pending),
            "paid" => Some(Self::Paid),
            "shipped" => Some(Self::Shipped),
            "cancelled" => Some(Self::Cancelled),
            _ => None,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Paid => "paid",
            Self::Shipped => "shipped",
            Self::Cancelled => "cancelled",
        }
    }
}

/// One position of an order.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Item {
    sku: String,
    quantity: u32,
    unit_price_cents: u64,
}

/// An order.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Order {
    pub(crate) id: String,
    customer_id: String,
    pub(crate) status: Status,
    items: Vec<Item>,
    total_cents: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// Body of `POST /orders`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NewOrder {
    customer_id: String,
    items: Vec<Item>,
    note: Option<String>,
}

/// Body of `PATCH /orders/{orderId}`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct OrderChange {
    status: Option<Status>,
    items: Option<Vec<Item>>,
    /// `Some(None)` removes the note.
    #[serde(default, deserialize_with = "present")]
    note: Option<Option<String>>,
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// A customer.
#[derive(Debug, Serialize)]
pub(crate) struct Customer {
    id: &'static str,
    name: &'static str,
    email: &'static str,
}

/// Everybody who can order.
pub(crate) const CUSTOMERS: &[Customer] = &[
    Customer { id: "cus_1", name: "Ada Byron", email: "ada@example.com" },
    Customer { id: "cus_2", name: "Grace Murray", email: "grace@example.com" },
    Customer { id: "cus_3", name: "Émilie du Châtelet", email: "emilie@example.com" },
];

/// Why the shop says no.
#[derive(Debug, PartialEq)]
pub(crate) enum Refusal {
    /// There is no such order.
    NotFound,
    /// The body breaks rules.
    Invalid(Vec<FieldError>),
    /// The order is not in a state for this.
    Conflict(String),
    /// No room for another order.
    Full,
}

/// Which orders to list.
#[derive(Debug)]
pub(crate) struct Filter<'a> {
    pub(crate) status: Option<Status>,
    pub(crate) customer_id: Option<&'a str>,
    pub(crate) after: Option<&'a str>,
    pub(crate) limit: usize,
}

/// One page of orders.
#[derive(Debug, Serialize)]
pub(crate) struct Page {
    pub(crate) items: Vec<Order>,
    pub(crate) total: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<String>,
}

#[derive(Debug, Default)]
struct Orders {
    /// By number, so that the order of creation is the order of iteration.
    by_number: BTreeMap<u32, Order>,
    last_number: u32,
}

/// The orders, for any number of threads.
#[derive(Debug, Default)]
pub(crate) struct Shop {
    orders: Mutex<Orders>,
}

impl Shop {
    /// A shop with a few orders to look at.
    pub(crate) fn with_samples() -> Self {
        let shop = Shop::default();
        let samples = [
            ("cus_1", Status::Shipped, vec![("LAMP-1", 1, 2450), ("BULB-4", 4, 390)]),
            ("cus_2", Status::Paid, vec![("DESK-2", 1, 18_900)]),
            ("cus_1", Status::Pending, vec![("CHAIR-7", 2, 7_500)]),
        ];
        for (customer, status, items) in samples {
            let items = items.into_iter().map(|(sku, quantity, unit_price_cents)| Item {
                sku: sku.into(),
                quantity,
                unit_price_cents,
            });
            let order = NewOrder { customer_id: customer.into(), items: items.collect(), note: None };
            shop.insert(order, status).expect("invariant: samples are valid");
        }
        shop
    }

    fn lock(&self) -> MutexGuard<'_, Orders> {
        // A panic can't leave an order half changed: changes are made on a copy.
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many orders there are.
    pub(crate) fn len(&self) -> usize {
        self.lock().by_number.len()
    }

    /// The orders that match, oldest first.
    pub(crate) fn list(&self, filter: &Filter<'_>) -> Page {
        let orders = self.lock();
        // An unknown id starts after everything: nothing is repeated when the order at the page's edge was deleted,
        // because its number still tells where it stood.
        let after = filter.after.map_or(0, |id| number(id).unwrap_or(u32::MAX));
        let matching = || {
            orders.by_number.iter().filter(|(_, order)| {
                filter.status.is_none_or(|status| order.status == status)
                    && filter.customer_id.is_none_or(|id| order.customer_id == id)
            })
        };
        let mut rest = matching().filter(|(number, _)| **number > after).map(|(_, order)| order);
        let items: Vec<_> = rest.by_ref().take(filter.limit).cloned().collect();
        let next = rest.next().and_then(|_| items.last()).map(|order| order.id.clone());
        Page { total: matching().count(), items, next }
    }

    /// One order.
    pub(crate) fn get(&self, id: &str) -> Result<Order, Refusal> {
        number(id).and_then(|number| self.lock().by_number.get(&number).cloned()).ok_or(Refusal::NotFound)
    }

    /// Adds an order.
    pub(crate) fn create(&self, new: NewOrder) -> Result<Order, Refusal> {
        self.insert(new, Status::Pending)
    }

    fn insert(&self, new: NewOrder, status: Status) -> Result<Order, Refusal> {
        let mut errors = Vec::new();
        if !CUSTOMERS.iter().any(|customer| customer.id == new.customer_id) {
            error(&mut errors, "/customerId", "names no customer");
        }
        check_items(&new.items, &mut errors);
        check_note(new.note.as_deref(), &mut errors);
        if !errors.is_empty() {
            return Err(Refusal::Invalid(errors));
        }
        let mut orders = self.lock();
        if orders.by_number.len() >= MAX_ORDERS {
            return Err(Refusal::Full);
        }
        let number = orders.last_number.checked_add(1).ok_or(Refusal::Full)?;
        let now = Timestamp::now();
        let order = Order {
            id: format!("ord_{number}"),
            customer_id: new.customer_id,
            status,
            total_cents: total(&new.items),
            items: new.items,
            note: new.note,
            created_at: now,
            updated_at: now,
        };
        orders.last_number = number;
        orders.by_number.insert(number, order.clone());
        Ok(order)
    }

    /// Changes an order.
    pub(crate) fn update(&self, id: &str, change: OrderChange) -> Result<Order, Refusal> {
        let mut errors = Vec::new();
        if let Some(items) = &change.items {
            check_items(items, &mut errors);
        }
        check_note(change.note.as_ref().and_then(Option::as_deref), &mut errors);
        if change.status.is_none() && change.items.is_none() && change.note.is_none() {
            error(&mut errors, "", "changes nothing");
        }
        if !errors.is_empty() {
            return Err(Refusal::Invalid(errors));
        }
        self.edit(id, |order| {
            if let Some(items) = change.items {
                if order.status != Status::Pending {
                    return Err(Refusal::Conflict("Items can be changed only while the order is pending.".into()));
                }
                order.total_cents = total(&items);
                order.items = items;
            }
            if let Some(to) = change.status {
                match (order.status, to) {
                    (from, to) if from == to => {}
                    (Status::Pending, Status::Paid) | (Status::Paid, Status::Shipped) => order.status = to,
                    (from, to) => {
                        let detail = format!("An order can't go from {} to {}.", from.as_str(), to.as_str());
                        return Err(Refusal::Conflict(detail));
                    }
                }
            }
            if let Some(note) = change.note {
                order.note = note;
            }
            Ok(())
        })
    }

    /// Cancels an order; again and again if need be.
    pub(crate) fn cancel(&self, id: &str) -> Result<Order, Refusal> {
        self.edit(id, |order| match order.status {
            Status::Shipped => Err(Refusal::Conflict("A shipped order can't be cancelled.".into())),
            _ => {
                order.status = Status::Cancelled;
                Ok(())
            }
        })
    }

    /// Deletes an order.
    pub(crate) fn delete(&self, id: &str) -> Result<(), Refusal> {
        let removed = number(id).and_then(|number| self.lock().by_number.remove(&number));
        removed.map(drop).ok_or(Refusal::NotFound)
    }

    /// Runs `change` on a copy and keeps the copy when it succeeds.
    fn edit(&self, id: &str, change: impl FnOnce(&mut Order) -> Result<(), Refusal>) -> Result<Order, Refusal> {
        let mut orders = self.lock();
        let order = number(id).and_then(|n| orders.by_number.get_mut(&n)).ok_or(Refusal::NotFound)?;
        let mut changed = order.clone();
        change(&mut changed)?;
        changed.updated_at = Timestamp::now();
        *order = changed.clone();
        Ok(changed)
    }
}

/// The number in an id, in the one spelling we hand out.
fn number(id: &str) -> Option<u32> {
    let digits = id.strip_prefix("ord_")?;
    digits.parse().ok().filter(|number: &u32| number.to_string() == digits)
}

fn total(items: &[Item]) -> u64 {
    items.iter().map(|item| u64::from(item.quantity) * item.unit_price_cents).sum()
}

fn error(errors: &mut Vec<FieldError>, pointer: impl Into<String>, detail: impl Into<String>) {
    errors.push(FieldError { pointer: pointer.into(), detail: detail.into() });
}

fn check_items(items: &[Item], errors: &mut Vec<FieldError>) {
    if items.is_empty() || items.len() > MAX_ITEMS {
        return error(errors, "/items", format!("must have 1 to {MAX_ITEMS} elements"));
    }
    for (index, item) in items.iter().enumerate() {
        if item.sku.is_empty() || item.sku.chars().count() > MAX_SKU {
            error(errors, format!("/items/{index}/sku"), format!("must have 1 to {MAX_SKU} characters"));
        }
        if !(1..=MAX_QUANTITY).contains(&item.quantity) {
            error(errors, format!("/items/{index}/quantity"), format!("must be 1 to {MAX_QUANTITY}"));
        }
        if item.unit_price_cents > MAX_PRICE_CENTS {
            error(errors, format!("/items/{index}/unitPriceCents"), format!("must be at most {MAX_PRICE_CENTS}"));
        }
    }
}

fn check_note(note: Option<&str>, errors: &mut Vec<FieldError>) {
    if note.is_some_and(|note| note.chars().count() > MAX_NOTE) {
        error(errors, "/note", format!("must have at most {MAX_NOTE} characters"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(json: &str) -> NewOrder {
        serde_json::from_str(json).expect("a new order")
    }
    fn change(json: &str) -> OrderChange {
        serde_json::from_str(json).expect("a change")
    }
    fn page(
        shop: &Shop,
        status: Option<Status>,
        after: Option<&str>,
        limit: usize,
    ) -> (Vec<String>, usize, Option<String>) {
        let page = shop.list(&Filter { status, customer_id: None, after, limit });
        (page.items.into_iter().map(|order| order.id).collect(), page.total, page.next)
    }

    #[test]
    fn pages_follow_each_other_and_survive_a_deletion_at_their_edge() {
        let shop = Shop::with_samples();
        assert_eq!(page(&shop, None, None, 2), (vec!["ord_1".into(), "ord_2".into()], 3, Some("ord_2".into())));
        shop.delete("ord_2").expect("delete");
        assert_eq!(page(&shop, None, Some("ord_2"), 2), (vec!["ord_3".into()], 2, None));
        assert_eq!(page(&shop, Some(Status::Shipped), None, 20), (vec!["ord_1".into()], 1, None));
        assert_eq!(page(&shop, None, Some("nonsense"), 20), (vec![], 2, None));
        assert_eq!(
            shop.create(new(r#"{"customerId":"cus_1","items":[{"sku":"A","quantity":1,"unitPriceCents":0}]}"#))
                .expect("create")
                .id,
            "ord_4"
        );
    }

    #[test]
    fn every_broken_rule_is_reported_with_its_place() {
        let shop = Shop::default();
        let order = new(r#"{"customerId":"x","items":[{"sku":"","quantity":0,"unitPriceCents":100000001}]}"#);
        let Err(Refusal::Invalid(errors)) = shop.create(order) else { panic!("created") };
        let pointers: Vec<_> = errors.iter().map(|error| error.pointer.as_str()).collect();
        assert_eq!(pointers, ["/customerId", "/items/0/sku", "/items/0/quantity", "/items/0/unitPriceCents"]);
        assert_eq!(shop.len(), 0);
    }

    #[test]
    fn an_order_goes_its_way_and_no_other() {
        let shop = Shop::with_samples();
        let status = |json: &str| shop.update("ord_3", change(json)).map(|order| order.status);
        assert_eq!(
            status(r#"{"status":"shipped"}"#),
            Err(Refusal::Conflict("An order can't go from pending to shipped.".into()))
        );
        assert_eq!(status(r#"{"status":"paid","note":"n"}"#), Ok(Status::Paid));
        assert_eq!(shop.update("ord_3", change(r#"{"note":null}"#)).expect("update").note, None);
        assert!(matches!(
            status(r#"{"items":[{"sku":"A","quantity":1,"unitPriceCents":1}]}"#),
            Err(Refusal::Conflict(_))
        ));
        assert_eq!(status(r#"{"status":"shipped"}"#), Ok(Status::Shipped));
        assert!(matches!(shop.cancel("ord_3"), Err(Refusal::Conflict(_))));
        assert!(matches!(status("{}"), Err(Refusal::Invalid(_))));
        assert_eq!(
            shop.cancel("ord_2").and_then(|_| shop.cancel("ord_2")).expect("twice").status,
            Status::Cancelled
        );
        assert_eq!(shop.delete("ord_03"), Err(Refusal::NotFound));
    }
}

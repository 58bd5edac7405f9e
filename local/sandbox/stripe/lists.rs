//! Lists: their parameters, and pages of what a moment shows. Newest first, cursors exclusive.

use serde_json::{Value, json};

use super::ids::{Flow, Item, Source};
use super::kinds::Kind;
use super::ledger::AVAILABLE_DELAY;
use super::reply::ApiError;
use super::rows::{Row, Thing};
use super::world::{DAY, World, day_of, start_of};

const DEFAULT_LIMIT: usize = 10;
const MAX_LIMIT: usize = 100;
/// `types` of events in one request.
const MAX_TYPES: usize = 20;
/// Stripe forgets events after this time.
pub const EVENT_SECONDS: i64 = 30 * DAY;
/// Nothing happens to a payment later than this.
const LIFE: i64 = 80 * DAY;

/// A checked list request.
#[derive(Debug)]
pub struct Query {
    limit: usize,
    after: Option<String>,
    before: Option<String>,
    /// First and last second of `created`.
    from: i64,
    to: i64,
    filters: Vec<(&'static str, &'static str, String)>,
    /// Paths to expand.
    pub expand: Vec<String>,
}

fn integer(name: &str, value: &str) -> Result<i64, ApiError> {
    let wrong = || ApiError::invalid(name, format!("Invalid integer: {value}")).with_code("parameter_invalid_integer");
    value.parse().map_err(|_| wrong())
}

fn limit(value: &str) -> Result<usize, ApiError> {
    let bound = |text: String| ApiError::invalid("limit", text).with_code("parameter_invalid_integer");
    match usize::try_from(integer("limit", value)?) {
        Ok(limit) if (1..=MAX_LIMIT).contains(&limit) => Ok(limit),
        Ok(limit) if limit > MAX_LIMIT => {
            Err(bound(format!("This value must be less than or equal to {MAX_LIMIT} (it currently is '{value}').")))
        }
        _ => Err(bound("This value must be greater than or equal to 1.".into())),
    }
}

impl Query {
    /// Reads the parameters; like Stripe it refuses those it does not know.
    pub fn parse(kind: Kind, pairs: &[(String, String)]) -> Result<Self, ApiError> {
        let mut query = Self {
            limit: DEFAULT_LIMIT,
            after: None,
            before: None,
            from: 0,
            to: i64::MAX,
            filters: Vec::new(),
            expand: Vec::new(),
        };
        for (name, value) in pairs {
            query.take(kind, name, value)?;
        }
        if query.after.is_some() && query.before.is_some() {
            let message = "You cannot parameterize both `starting_after` and `ending_before`.";
            return Err(ApiError::invalid("starting_after", message));
        }
        let types = query.filters.iter().filter(|(name, ..)| *name == "types[]").count();
        if types > MAX_TYPES || (types > 0 && query.filters.iter().any(|(name, ..)| *name == "type")) {
            let message = format!("Pass either `type` or at most {MAX_TYPES} `types`.");
            return Err(ApiError::invalid("types", message));
        }
        Ok(query)
    }

    fn take(&mut self, kind: Kind, name: &str, value: &str) -> Result<(), ApiError> {
        // `types[0]=` means the same as `types[]=`.
        let plain = match name.split_once('[') {
            Some((list @ ("types" | "expand"), index)) if index.trim_end_matches(']').parse::<u8>().is_ok() => {
                format!("{list}[]")
            }
            _ => name.to_owned(),
        };
        match plain.as_str() {
            "limit" => self.limit = limit(value)?,
            "starting_after" => self.after = Some(value.to_owned()),
            "ending_before" => self.before = Some(value.to_owned()),
            "created" => (self.from, self.to) = (integer(name, value)?, integer(name, value)?),
            "created[gte]" => self.from = self.from.max(integer(name, value)?),
            "created[gt]" => self.from = self.from.max(integer(name, value)?.saturating_add(1)),
            "created[lte]" => self.to = self.to.min(integer(name, value)?),
            "created[lt]" => self.to = self.to.min(integer(name, value)?.saturating_sub(1)),
            "expand[]" => self.expand.push(value.to_owned()),
            _ => {
                let Some((filter, place)) = kind.filters().iter().find(|(filter, _)| *filter == plain) else {
                    let message = format!("Received unknown parameter: {name}");
                    return Err(ApiError::invalid(name, message).with_code("parameter_unknown"));
                };
                self.filters.push((filter, place, value.to_owned()));
            }
        }
        Ok(())
    }

    fn filter(&self, name: &str) -> Option<&str> {
        self.filters.iter().find(|(filter, ..)| *filter == name).map(|(_, _, value)| value.as_str())
    }

    /// Looks only where the filters can find something.
    fn narrow(&mut self, world: &World, kind: Kind, now: i64) {
        self.from = self.from.max(start_of(world.first_day));
        self.to = self.to.min(now);
        if kind == Kind::Events {
            self.from = self.from.max(now - EVENT_SECONDS);
        }
        let parent = ["charge", "payment_intent", "source"].into_iter().find_map(|name| self.filter(name));
        if let Some(Item::Charge(pay, _) | Item::Intent(pay) | Item::Refund(pay, _) | Item::Dispute(pay)) =
            parent.and_then(|id| world.ids.read(id))
            && let Some(payment) = world.payment(pay)
        {
            self.from = self.from.max(payment.created);
            self.to = self.to.min(payment.created + LIFE);
        }
        if let Some(Item::Payout(day)) = self.filter("payout").and_then(|id| world.ids.read(id)) {
            self.from = self.from.max(start_of(day.saturating_sub(AVAILABLE_DELAY)));
            self.to = self.to.min(start_of(day + 1) - 1);
        }
    }

    /// Whether an object belongs to the list.
    fn keeps(&self, world: &World, kind: Kind, row: &Row, object: &Value) -> bool {
        let types = || self.filters.iter().filter(|(name, ..)| *name == "types[]").map(|(_, _, value)| value);
        if kind == Kind::Events && types().next().is_some() && !types().any(|wanted| object["type"] == **wanted) {
            return false;
        }
        if kind == Kind::Subscriptions && self.filter("status").is_none() && object["status"] == "canceled" {
            return false;
        }
        self.filters.iter().all(|(name, place, value)| match *name {
            "type" if kind == Kind::Events => {
                let of = object["type"].as_str().unwrap_or_default();
                value.strip_suffix('*').map_or_else(|| of == value, |start| of.starts_with(start))
            }
            "types[]" => true,
            "status" if kind == Kind::Subscriptions => match value.as_str() {
                "all" => true,
                "ended" => object["status"] == "canceled" || object["status"] == "incomplete_expired",
                status => object["status"] == status,
            },
            "payout" => paid_out_by(world, row, value),
            _ => object.pointer(place).is_some_and(|found| found == value),
        })
    }
}

/// Whether a payout paid a movement out, or is the movement.
fn paid_out_by(world: &World, row: &Row, payout: &str) -> bool {
    let Some(Item::Payout(day)) = world.ids.read(payout) else {
        return false;
    };
    match row.thing {
        Thing::Item(Item::Movement(Flow::Payout, Source::Day(of))) => of == day,
        _ => day_of(row.at) + AVAILABLE_DELAY == day,
    }
}

/// A page as Stripe writes it.
pub fn page(world: &World, kind: Kind, mut query: Query, now: i64) -> Result<Value, ApiError> {
    let cursor = |param: &str, id: &Option<String>| match id {
        None => Ok(None),
        Some(id) => {
            let missing = || ApiError::missing(400, kind.noun(), id, param);
            world.find(kind, id, now).map(|row| Some(row.stamp())).ok_or_else(missing)
        }
    };
    let after = cursor("starting_after", &query.after)?;
    let before = cursor("ending_before", &query.before)?;
    query.narrow(world, kind, now);
    if let Some((at, _)) = after {
        query.to = query.to.min(at);
    }
    if let Some((at, _)) = before {
        query.from = query.from.max(at);
    }
    let (first, last) = (day_of(query.from), day_of(query.to));
    let mut days: Box<dyn Iterator<Item = u32>> = Box::new((first..=last).rev());
    if before.is_some() {
        days = Box::new(first..=last);
    }
    let mut found = Vec::new();
    let fits = |row: &Row| {
        (query.from..=query.to).contains(&row.at)
            && after.is_none_or(|cursor| row.stamp() < cursor)
            && before.is_none_or(|cursor| row.stamp() > cursor)
    };
    'days: for day in days {
        let rows = world.rows(kind, day);
        let count = rows.len();
        for index in 0..count {
            let row = &rows[if before.is_some() { index } else { count - 1 - index }];
            if !fits(row) {
                continue;
            }
            let object = world.show(row, now).filter(|object| query.keeps(world, kind, row, object));
            found.extend(object);
            if found.len() > query.limit {
                break 'days;
            }
        }
    }
    let has_more = found.len() > query.limit;
    found.truncate(query.limit);
    if before.is_some() {
        found.reverse();
    }
    Ok(json!({"object": "list", "url": format!("/v1/{}", kind.path()), "has_more": has_more, "data": found}))
}

//! Stripe's API under `/stripe/v1`, for reading: what the portal's connector calls.
//!
//! Every object is a pure function of seed, account and moment; see [`payments`] and [`billing`] for what happens, [`ledger`]
//! for the money, [`ids`] for how an id finds its object. Behaviour follows the vendor facts, section 1B.

pub mod accounts;
mod billing;
mod contracts;
mod events;
mod ids;
mod invoices;
mod kinds;
mod ledger;
mod lists;
mod money;
mod objects;
mod paper;
mod payments;
mod plans;
pub mod reply;
mod rows;
mod world;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{Datelike, NaiveDate};
use serde_json::Value;
use url::form_urlencoded;

use self::accounts::{Key, SCALE_KEY};
use self::kinds::Kind;
use self::lists::Query;
use self::reply::ApiError;
use self::world::{DAY, Size, World};
use super::{Shared, lock};

/// The version whose shapes the sandbox speaks.
pub const VERSION: &str = "2026-07-29.dahlia";
/// Below this path of the sandbox Stripe's API begins.
pub const BASE: &str = "/stripe";
/// The first day of all accounts.
const FIRST_DAY: NaiveDate = NaiveDate::from_ymd_opt(2025, 1, 1).unwrap();
const MAX_PER_DAY: u64 = 5_000;

/// Account, mode and year: a world reaches to the end of a year.
type Place = (&'static str, bool, i32);

/// The worlds that were asked for, and what the control API has set.
#[derive(Debug, Default)]
pub struct Stripe {
    worlds: Mutex<HashMap<Place, Arc<World>>>,
    scale: Mutex<Option<Size>>,
    revoked: Mutex<HashSet<&'static str>>,
    requests: Mutex<u64>,
}

/// The routes of the API.
pub fn routes() -> Router<Arc<Shared>> {
    Router::new().route("/stripe/{*path}", any(serve))
}

fn days(date: NaiveDate) -> u32 {
    u32::try_from(date.to_epoch_days()).unwrap_or(0)
}

impl Stripe {
    /// Takes a key out of use, as its owner can in the dashboard.
    pub fn revoke(&self, secret: &str) {
        if let Some(key) = accounts::KEYS.iter().find(|key| key.secret == secret) {
            lock(&self.revoked).insert(key.secret);
        }
    }

    /// Sets the size of the scale account and gives all keys back. Without a size it is as at the start.
    pub fn configure(&self, size: Option<(u64, Option<NaiveDate>)>) -> Result<(), String> {
        let size = match size {
            None => None,
            Some((per_day, _)) if !(1..=MAX_PER_DAY).contains(&per_day) => {
                return Err(format!("charges_per_day is {per_day}: send 1 to {MAX_PER_DAY}."));
            }
            Some((per_day, first)) => Some(Size { per_day, first_day: days(first.unwrap_or(FIRST_DAY)), flat: true }),
        };
        *lock(&self.scale) = size;
        lock(&self.revoked).clear();
        lock(&self.worlds).clear();
        Ok(())
    }

    fn world(&self, key: &Key, seed: u64, now: i64) -> Arc<World> {
        let year = world::date_of(world::day_of(now)).year();
        let place = (key.account.id, key.live, year);
        if let Some(found) = lock(&self.worlds).get(&place) {
            return Arc::clone(found);
        }
        let ordinary = Size { per_day: key.account.per_day, first_day: days(FIRST_DAY), flat: false };
        let own = if key.secret == SCALE_KEY { *lock(&self.scale) } else { None };
        let next = NaiveDate::from_ymd_opt(year + 1, 1, 2).map_or(0, days);
        let world = World::new(key.account, key.live, seed, own.unwrap_or(ordinary), i64::from(next) * DAY);
        let world = Arc::new(world);
        lock(&self.worlds).insert(place, Arc::clone(&world));
        world
    }

    fn next_request(&self) -> u64 {
        let mut requests = lock(&self.requests);
        *requests += 1;
        *requests
    }
}

/// The API key of a request: Bearer, or the user of HTTP Basic.
pub fn secret(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    if let Some(token) = value.strip_prefix("Bearer ") {
        return Some(token.trim().to_owned());
    }
    let bytes = STANDARD.decode(value.strip_prefix("Basic ")?.trim()).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    Some(text.split(':').next().unwrap_or_default().to_owned())
}

/// The answer as if the key lacked the permission for this address.
pub fn denied(path: &str, headers: &HeaderMap) -> ApiError {
    let place = path.split('/').nth(3).unwrap_or_default();
    let area = Kind::at(place).map_or("balance", Kind::area);
    let secret = secret(headers).unwrap_or_default();
    let key = accounts::KEYS.iter().find(|key| key.secret == secret);
    let account = key.map_or("acct_unknown", |key| key.account.id);
    ApiError::permission(&accounts::masked(&secret), account, &format!("rak_{area}_read"))
}

async fn serve(
    State(shared): State<Arc<Shared>>,
    method: Method,
    Path(path): Path<String>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let pairs: Vec<_> = form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect();
    let mut response = match answer(&shared, &method, &path, &headers, &pairs) {
        Ok(body) => axum::Json(body).into_response(),
        Err(error) => error.into_response(),
    };
    sign(&shared, &headers, &mut response);
    response
}

/// The headers of every answer.
pub fn sign(shared: &Shared, request: &HeaderMap, response: &mut Response) {
    let number = request_id(shared.stripe.next_request());
    let version = request.get("stripe-version").cloned().unwrap_or_else(|| HeaderValue::from_static(VERSION));
    let headers = response.headers_mut();
    headers.insert(HeaderName::from_static("stripe-version"), version);
    if let Ok(number) = HeaderValue::from_str(&number) {
        headers.insert(HeaderName::from_static("request-id"), number);
    }
}

fn request_id(number: u64) -> String {
    format!("req_{:014x}", super::season::mix(number) >> 8)
}

/// The key, if it is allowed in and speaks the version.
fn enter(shared: &Shared, headers: &HeaderMap) -> Result<&'static Key, ApiError> {
    let secret = secret(headers).filter(|secret| !secret.is_empty()).ok_or_else(|| {
        ApiError::unauthorized(
            "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer \
             auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See https://stripe.com/docs/api#authentication for \
             details, or we can help at https://support.stripe.com/.",
        )
    })?;
    let revoked = lock(&shared.stripe.revoked).contains(secret.as_str());
    let key = accounts::key(&secret, revoked)?;
    if let Some(other) = headers.get("stripe-account").and_then(|value| value.to_str().ok())
        && other != key.account.id
    {
        let message = format!(
            "The provided key '{}' does not have access to account '{other}' (or that account does not exist). \
             Application access may have been revoked.",
            accounts::masked(key.secret)
        );
        return Err(ApiError::new(403, message).with_code("account_invalid"));
    }
    match headers.get("stripe-version").map(|value| value.to_str().unwrap_or_default()) {
        None | Some(VERSION) => Ok(key),
        Some(other) => {
            let message = format!("Invalid Stripe API version: {other}. The sandbox speaks {VERSION} only.");
            Err(ApiError::new(400, message))
        }
    }
}

fn answer(
    shared: &Shared,
    method: &Method,
    path: &str,
    headers: &HeaderMap,
    pairs: &[(String, String)],
) -> Result<Value, ApiError> {
    let key = enter(shared, headers)?;
    let unknown = || ApiError::unknown_url(method.as_str(), &format!("/{path}"));
    let parts: Vec<&str> = path.split('/').collect();
    let (place, id) = match parts.as_slice() {
        ["v1", place] => (*place, None),
        ["v1", place, id] if !id.is_empty() => (*place, Some(*id)),
        _ => return Err(unknown()),
    };
    let kind = Kind::at(place);
    let area = match (kind, place, id) {
        (Some(kind), ..) => kind.area(),
        (None, "balance", None) => "balance",
        (None, "account", None) => "accounts_kyc_basic",
        _ => return Err(unknown()),
    };
    if method != Method::GET {
        key.require(&format!("rak_{area}_write"))?;
        return Err(ApiError::new(400, "The sandbox can only be read: send GET."));
    }
    key.require(&format!("rak_{area}_read"))?;
    let now = shared.clock.now().timestamp();
    let world = shared.stripe.world(key, shared.seed, now);
    let Some(kind) = kind else {
        return Ok(if place == "balance" { world.balance_object(now) } else { world.account_object() });
    };
    let (mut object, expand) = match id {
        None => {
            let mut query = Query::parse(kind, pairs)?;
            let expand = std::mem::take(&mut query.expand);
            (lists::page(&world, kind, query, now)?, expand)
        }
        Some(id) => {
            let missing = || ApiError::missing(404, kind.noun(), id, "id");
            (one(&world, kind, id, now).ok_or_else(missing)?, Query::parse(kind, pairs)?.expand)
        }
    };
    for path in expand {
        world.expand(&mut object, &path, now)?;
    }
    Ok(object)
}

/// One object; a deleted customer still has an answer.
fn one(world: &World, kind: Kind, id: &str, now: i64) -> Option<Value> {
    if let Some(row) = world.find(kind, id, now) {
        return world.show(&row, now);
    }
    let item = world.ids.read(id).filter(|item| rows::kind_of(*item) == Some(kind))?;
    world.created(item).filter(|at| *at <= now)?;
    world.object(item, now)
}

//! Answers that take as long whoever they are for: no clock tells who has an account.

use serde_json::{Value, json};

use crate::harness::TestApp;
use crate::harness::client::Client;

/// A member, nobody, somebody who is barred, somebody without a company, and one of a suspended company.
const PEOPLE: [&str; 5] = [
    "admin@acme.example",
    "unknown@acme.example",
    "disabled@acme.example",
    "nobody@portal.example",
    "admin@initech.example",
];
/// Microseconds of each attempt, for each person.
type Spent = Vec<Vec<u128>>;

/// Times of interleaved attempts, each from a new place; what disturbs the machine meets all people alike.
async fn spent(app: &TestApp, times: usize, attempt: impl AsyncFn(Client, &'static str)) -> Spent {
    let mut spent = vec![Vec::new(); PEOPLE.len()];
    for number in 0..times {
        for turn in 0..PEOPLE.len() {
            let at = (number + turn) % PEOPLE.len();
            app.sql("delete from rate_counters").await;
            let client = Client { ip: format!("2001:db8::{number:x}"), ..app.stranger() };
            let begun = std::time::Instant::now();
            attempt(client, PEOPLE[at]).await;
            spent[at].push(begun.elapsed().as_micros());
        }
    }
    if let Ok(path) = std::env::var("PORTAL_TIMINGS") {
        std::fs::write(path, json!(spent).to_string()).unwrap();
    }
    spent
}

fn median(times: &[u128]) -> u128 {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    sorted[sorted.len() / 2]
}

/// By how many standard deviations the ranks of two samples differ (Mann and Whitney); outliers count no more than
/// their rank.
fn apart(one: &[u128], other: &[u128]) -> f64 {
    let score =
        |a: &u128| other.iter().map(|b| f64::from(u8::from(a > b)) + f64::from(u8::from(a == b)) / 2.0).sum::<f64>();
    let wins: f64 = one.iter().map(score).sum();
    let [n, m] = [one.len(), other.len()].map(|len| f64::from(u32::try_from(len).unwrap()));
    (wins - n * m / 2.0) / (n * m * (n + m + 1.0) / 12.0).sqrt()
}

fn times(usual: usize) -> usize {
    std::env::var("PORTAL_TIMINGS_N").ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

#[test]
fn ranks_tell_samples_apart_and_equal_ones_not() {
    let (low, high): (Vec<u128>, Vec<u128>) = ((0..40).collect(), (40..80).collect());
    assert!(apart(&low, &low).abs() < 1e-9);
    assert!(apart(&high, &low) > 7.0 && apart(&low, &high) < -7.0);
}

#[tokio::test]
async fn a_wrong_login_takes_as_long_whoever_it_is_for() {
    let app = TestApp::start().await;
    let wrong = async |mut client: Client, email: &str| {
        client.sign_in(email, "a wrong guess of mine").await.problem(401, "bad_credentials");
    };
    let spent = spent(&app, times(15), wrong).await;
    let medians: Vec<u128> = spent.iter().map(|one| median(one)).collect();
    let (least, most) = (medians.iter().min().unwrap(), medians.iter().max().unwrap());
    // Generous, for busy machines: leaving the hash out would make a tenth of it.
    assert!(most < &(least * 2), "{medians:?}");
}

#[tokio::test]
async fn a_forgotten_password_takes_as_long_whoever_it_is_for() {
    let app = TestApp::start().await;
    let ask = async |client: Client, email: &str| {
        assert_eq!(client.post("/api/auth/password/forgot", &json!({ "email": email })).await.status, 202);
    };
    // The first requests open connections.
    for email in PEOPLE {
        ask(app.stranger(), email).await;
    }
    let times = times(40);
    let spent = spent(&app, times, ask).await;
    let told: Vec<Value> = app.rows("select count(*) from jobs where kind = 'mail' group by payload").await;
    assert_eq!(told, vec![json!({"count": times + 1}); PEOPLE.len()], "the same is done for all");
    for (at, one) in spent.iter().enumerate().skip(1) {
        let apart = apart(&spent[0], one);
        // By chance once in 100,000 runs; work for some people alone makes more than seven.
        assert!(apart.abs() < 4.5, "{}: {apart}, {} and {} µs", PEOPLE[at], median(&spent[0]), median(one));
    }
}

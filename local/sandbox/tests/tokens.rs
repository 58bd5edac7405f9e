//! The life of tokens: refreshing, revoking, expiring.

use super::*;

#[tokio::test]
async fn a_refresh_answers_without_a_new_refresh_token() {
    let bench = Bench::new().await;
    let (first, refresh_token) = bench.connect(LUMBRE).await;
    for _ in 0..2 {
        let (status, answer) = bench.refresh(&refresh_token).await;
        assert_eq!(status, 200);
        assert!(answer.get("refresh_token").is_none());
        assert_ne!(answer["access_token"], first);
    }
    let (status, answer) = bench.refresh("1//0unknown").await;
    assert_eq!(status, 400);
    let dead = json!({"error": "invalid_grant", "error_description": "Token has been expired or revoked."});
    assert_eq!(answer, dead);
}

#[tokio::test]
async fn the_token_endpoint_refuses_other_grants_and_other_content() {
    let bench = Bench::new().await;
    let client = [("client_id", CLIENT_ID), ("client_secret", SECRET)];
    let (status, answer) = bench.token(&[&client[..], &[("grant_type", "password")]].concat()).await;
    assert_eq!((status, &answer["error"]), (400, &json!("unsupported_grant_type")));
    let (status, answer) = bench.token(&client).await;
    assert_eq!((status, &answer["error"]), (400, &json!("invalid_request")));
    let request = bench.client.post(bench.url("/token")).json(&json!({"grant_type": "refresh_token"}));
    assert_eq!(request.send().await.unwrap().status(), 400);
}

#[tokio::test]
async fn a_refresh_token_comes_on_the_first_consent_or_when_consent_is_forced() {
    let bench = Bench::new().await;
    let cases = [
        (("offline", ""), true),
        (("offline", ""), false),
        (("offline", "consent"), true),
        (("online", "consent"), false),
    ];
    for ((access_type, prompt), expected) in cases {
        let code = bench.code(&[("access_type", access_type), ("prompt", prompt)]).await;
        let (_, answer) = bench.exchange(&code).await;
        assert_eq!(answer.get("refresh_token").is_some(), expected, "{access_type} {prompt}");
    }
}

#[tokio::test]
async fn revoking_ends_the_grant_and_a_dead_token_cannot_be_revoked() {
    let bench = Bench::new().await;
    let (access_token, refresh_token) = bench.connect(LUMBRE).await;
    let (other, _) = bench.connect(AGENCY).await;
    for expected in [200, 400] {
        let request = bench.client.post(bench.url("/revoke")).form(&[("token", &refresh_token)]);
        assert_eq!(request.send().await.unwrap().status().as_u16(), expected);
    }
    assert_eq!(bench.refresh(&refresh_token).await.1["error"], "invalid_grant");
    assert_eq!(bench.get(&access_token, "/v1beta/accountSummaries").await.0, 401);
    assert_eq!(bench.get(&other, "/v1beta/accountSummaries").await.0, 200, "another account keeps its grant");
    let code = bench.code(&[("prompt", "")]).await;
    assert!(bench.exchange(&code).await.1.get("refresh_token").is_some(), "the next consent is a first one");
}

#[tokio::test]
async fn one_refresh_token_over_a_hundred_kills_the_oldest() {
    let bench = Bench::new().await;
    let (_, oldest) = bench.connect(LUMBRE).await;
    let (_, second) = bench.connect(LUMBRE).await;
    let (_, other) = bench.connect(AGENCY).await;
    for _ in 0..98 {
        bench.connect(LUMBRE).await;
    }
    assert_eq!(bench.refresh(&oldest).await.0, 200, "a hundred live side by side");
    bench.connect(LUMBRE).await;
    assert_eq!(bench.refresh(&oldest).await.1["error"], "invalid_grant");
    assert_eq!(bench.refresh(&second).await.0, 200);
    assert_eq!(bench.refresh(&other).await.0, 200);
}

#[tokio::test]
async fn connections_outlive_a_restart() {
    let mut bench = Bench::new().await;
    let (access_token, refresh_token) = bench.connect(LUMBRE).await;
    let stored = std::fs::read_to_string(bench.folder.join("state.json")).unwrap();
    assert!(!stored.contains(&refresh_token), "only hashes are stored");
    bench.restart().await;
    assert_eq!(bench.refresh(&refresh_token).await.0, 200);
    assert_eq!(bench.get(&access_token, "/v1beta/accountSummaries").await.0, 200);
}

#[tokio::test]
async fn an_access_token_expires_on_the_sandbox_clock() {
    let bench = Bench::new().await;
    let (access_token, _) = bench.connect(LUMBRE).await;
    bench.set_clock("2026-11-23T11:59:00Z").await;
    assert_eq!(bench.get(&access_token, "/v1beta/accountSummaries").await.0, 200);
    bench.set_clock("2026-11-23T12:00:00Z").await;
    let (status, answer) = bench.get(&access_token, "/v1beta/accountSummaries").await;
    assert_eq!((status, &answer["error"]["status"]), (401, &json!("UNAUTHENTICATED")));
}

/// The claims of an `id_token`.
fn claims(token: &Value) -> Value {
    use base64::Engine as _;
    let text = text(token);
    let part = text.split('.').nth(1).unwrap();
    serde_json::from_slice(&base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

#[tokio::test]
async fn an_id_token_says_who_consented_if_that_was_asked_and_ticked() {
    let bench = Bench::new().await;
    let scope = super::super::ga4::SCOPE;
    let all = format!("openid email {scope}");
    let ask = async |account: &str, ticked: &[&str]| {
        let mut changes = vec![("scope", all.as_str()), ("account", account)];
        changes.extend(ticked.iter().map(|scope| ("granted", *scope)));
        bench.exchange(&bench.code(&changes).await).await.1
    };
    let answer = ask(LUMBRE, &["openid", "email", scope]).await;
    let who = claims(&answer["id_token"]);
    assert_eq!((&who["email"], &who["aud"]), (&json!(LUMBRE), &json!(CLIENT_ID)));
    assert_eq!(text(&who["sub"]).len(), 21);
    assert!(text(&answer["scope"]).contains("https://www.googleapis.com/auth/userinfo.email"), "{answer}");
    let refreshed = bench.refresh(&text(&answer["refresh_token"])).await.1;
    assert_eq!(claims(&refreshed["id_token"])["sub"], who["sub"]);
    let other = claims(&ask(AGENCY, &["openid", scope]).await["id_token"]);
    assert_ne!(other["sub"], who["sub"]);
    assert!(other.get("email").is_none(), "unticked");
    let bench = Bench::new().await;
    let answer = bench.exchange(&bench.code(&[]).await).await.1;
    assert!(answer.get("id_token").is_none(), "not asked for");
}

#[tokio::test]
async fn refresh_tokens_rotate_and_access_tokens_are_short_when_told_so() {
    let bench = Bench::new().await;
    let (_, first) = bench.connect(LUMBRE).await;
    let (status, _) = bench.control(Method::POST, "oauth", json!({"rotate": true, "access_seconds": 1})).await;
    assert_eq!(status, 200);
    let (_, answer) = bench.refresh(&first).await;
    assert_eq!(answer["expires_in"], 1);
    assert_eq!(bench.refresh(&first).await.1["error"], "invalid_grant", "the old one is dead");
    let second = text(&answer["refresh_token"]);
    bench.set_clock("2026-11-23T11:05:00Z").await;
    assert_eq!(bench.get(&text(&answer["access_token"]), "/v1beta/accountSummaries").await.0, 401);
    bench.control(Method::POST, "oauth", json!({})).await;
    let (status, answer) = bench.refresh(&second).await;
    assert_eq!((status, &answer["expires_in"]), (200, &json!(3_599)));
    assert!(answer.get("refresh_token").is_none(), "as with Google again");
    let (status, _) = bench.control(Method::POST, "oauth", json!({"access_seconds": 0})).await;
    assert_eq!(status, 400);
}

//! The authorization code flow, refreshing and revoking.

use super::*;

async fn page(bench: &Bench, changes: &[(&str, &str)]) -> Response {
    let url = Url::parse_with_params(&bench.url(super::super::authorize::PATH), parameters(changes)).unwrap();
    bench.client.get(url).send().await.unwrap()
}

#[tokio::test]
async fn the_consent_page_offers_the_accounts_and_scopes_without_script() {
    let bench = Bench::new().await;
    let response = page(&bench, &[("state", "\"><script>")]).await;
    assert_eq!(response.status(), 200);
    let policy = text(&json!(response.headers()["content-security-policy"].to_str().unwrap()));
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    assert!(policy.contains("form-action 'self' http://127.0.0.1:7071;"), "{policy}");
    let html = response.text().await.unwrap();
    assert!(
        html.contains("lang=\"es\"") && html.contains("Permitir") && html.contains("Denegar"),
        "{html}"
    );
    assert!(
        html.contains("value=\"cliente@lumbre.example\" required checked"),
        "{html}"
    );
    assert!(html.contains("value=\"ana@agencia.example\" required>"), "{html}");
    assert!(html.contains("type=\"checkbox\" name=\"granted\""), "{html}");
    assert!(!html.contains("<script"), "the state is escaped: {html}");
    let html = page(&bench, &[("hl", "en"), ("login_hint", AGENCY)])
        .await
        .text()
        .await
        .unwrap();
    assert!(html.contains("lang=\"en\"") && html.contains("Allow"), "{html}");
    assert!(
        html.contains("value=\"ana@agencia.example\" required checked"),
        "{html}"
    );
}

#[tokio::test]
async fn a_wrong_request_is_shown_and_never_redirected() {
    let bench = Bench::new().await;
    let short = "a".repeat(42);
    let cases = [
        (("client_id", "other"), 401, "invalid_client"),
        (
            ("redirect_uri", "http://127.0.0.1:7071/api/oauth/callback/"),
            400,
            "redirect_uri_mismatch",
        ),
        (("response_type", "token"), 400, "unsupported_response_type"),
        (("scope", ""), 400, "invalid_request"),
        (("scope", "https://www.googleapis.com/auth/drive"), 400, "invalid_scope"),
        (("code_challenge_method", "plain"), 400, "invalid_request"),
        (("code_challenge", &short), 400, "invalid_request"),
        (("access_type", "always"), 400, "invalid_request"),
    ];
    for (change, status, error) in cases {
        for response in [page(&bench, &[change]).await, bench.decide(&[change]).await] {
            assert_eq!(response.status().as_u16(), status, "{change:?}");
            assert!(response.text().await.unwrap().contains(error), "{change:?}");
        }
    }
}

#[tokio::test]
async fn consent_yields_a_code_and_the_code_yields_tokens() {
    let bench = Bench::new().await;
    let response = bench.decide(&[]).await;
    assert_eq!(response.status(), 302);
    let back = redirected(&response);
    assert_eq!(back["state"], "st4te");
    assert_eq!(back["scope"], super::super::ga4::SCOPE);
    let (status, answer) = bench.exchange(&back["code"]).await;
    assert_eq!(status, 200);
    assert_eq!(answer["expires_in"], 3_599);
    assert_eq!(answer["token_type"], "Bearer");
    assert_eq!(answer["scope"], super::super::ga4::SCOPE);
    assert!(text(&answer["access_token"]).starts_with("ya29."));
    assert!(text(&answer["refresh_token"]).starts_with("1//0"));
}

#[tokio::test]
async fn a_denial_and_a_silent_request_go_back_with_an_error() {
    let bench = Bench::new().await;
    let back = redirected(&bench.decide(&[("decision", "deny")]).await);
    assert_eq!(
        (back["error"].as_str(), back["state"].as_str()),
        ("access_denied", "st4te")
    );
    assert!(!back.contains_key("code"));
    let back = redirected(&page(&bench, &[("prompt", "none")]).await);
    assert_eq!(back["error"], "interaction_required");
}

#[tokio::test]
async fn an_unticked_scope_is_missing_from_the_grant() {
    let bench = Bench::new().await;
    let code = bench.code(&[("granted", "")]).await;
    let (status, answer) = bench.exchange(&code).await;
    assert_eq!((status, &answer["scope"]), (200, &json!("")));
    let (status, answer) = bench
        .get(&text(&answer["access_token"]), "/v1beta/accountSummaries")
        .await;
    assert_eq!(status, 403);
    assert_eq!(
        answer["error"]["details"][0]["reason"],
        "ACCESS_TOKEN_SCOPE_INSUFFICIENT"
    );
}

#[tokio::test]
async fn a_code_works_once_and_for_a_minute() {
    let bench = Bench::new().await;
    let code = bench.code(&[]).await;
    assert_eq!(bench.exchange(&code).await.0, 200);
    let (status, answer) = bench.exchange(&code).await;
    assert_eq!((status, &answer["error"]), (400, &json!("invalid_grant")));
    let code = bench.code(&[]).await;
    bench.set_clock("2026-11-23T11:02:00Z").await;
    let (status, answer) = bench.exchange(&code).await;
    assert_eq!((status, &answer["error"]), (400, &json!("invalid_grant")));
}

#[tokio::test]
async fn the_verifier_must_match_the_challenge() {
    let bench = Bench::new().await;
    let wrong = "w".repeat(43);
    for (verifier, description) in [
        ("", "Missing code verifier."),
        (wrong.as_str(), "Invalid code verifier."),
    ] {
        let code = bench.code(&[]).await;
        let (status, answer) = bench
            .token(&[
                ("grant_type", "authorization_code"),
                ("code", &code),
                ("redirect_uri", REDIRECT),
                ("code_verifier", verifier),
                ("client_id", CLIENT_ID),
                ("client_secret", SECRET),
            ])
            .await;
        assert_eq!(status, 400);
        assert_eq!(
            answer,
            json!({"error": "invalid_grant", "error_description": description})
        );
    }
    let code = bench
        .code(&[("code_challenge", ""), ("code_challenge_method", "")])
        .await;
    assert_eq!(
        bench.exchange(&code).await.0,
        200,
        "without a challenge a verifier is not needed"
    );
}

#[tokio::test]
async fn the_exchange_needs_the_same_redirect_uri_and_the_client() {
    let bench = Bench::new().await;
    let cases = [
        (REDIRECT, CLIENT_ID, "wrong", 401, "invalid_client"),
        (REDIRECT, "other", SECRET, 401, "invalid_client"),
        (REDIRECT, "", "", 400, "invalid_request"),
        (
            "http://127.0.0.1:7071/other",
            CLIENT_ID,
            SECRET,
            400,
            "redirect_uri_mismatch",
        ),
    ];
    for (redirect, client, secret, status, error) in cases {
        let code = bench.code(&[]).await;
        let form = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", redirect),
            ("code_verifier", VERIFIER),
            ("client_id", client),
            ("client_secret", secret),
        ];
        let (got, answer) = bench.token(&form).await;
        assert_eq!((got, &answer["error"]), (status, &json!(error)), "{redirect} {client}");
    }
}

#[tokio::test]
async fn the_client_may_use_basic_authentication() {
    let bench = Bench::new().await;
    let (_, refresh_token) = bench.connect(LUMBRE).await;
    let form = [("grant_type", "refresh_token"), ("refresh_token", &refresh_token)];
    for (secret, expected) in [(SECRET, 200), ("wrong", 401)] {
        let request = bench
            .client
            .post(bench.url("/token"))
            .basic_auth(CLIENT_ID, Some(secret))
            .form(&form);
        assert_eq!(request.send().await.unwrap().status().as_u16(), expected);
    }
}

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
    let (status, answer) = bench
        .token(&[&client[..], &[("grant_type", "password")]].concat())
        .await;
    assert_eq!((status, &answer["error"]), (400, &json!("unsupported_grant_type")));
    let (status, answer) = bench.token(&client).await;
    assert_eq!((status, &answer["error"]), (400, &json!("invalid_request")));
    let request = bench
        .client
        .post(bench.url("/token"))
        .json(&json!({"grant_type": "refresh_token"}));
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
        assert_eq!(
            answer.get("refresh_token").is_some(),
            expected,
            "{access_type} {prompt}"
        );
    }
}

#[tokio::test]
async fn revoking_ends_the_grant_and_a_dead_token_cannot_be_revoked() {
    let bench = Bench::new().await;
    let (access_token, refresh_token) = bench.connect(LUMBRE).await;
    let (other, _) = bench.connect(AGENCY).await;
    for expected in [200, 400] {
        let request = bench
            .client
            .post(bench.url("/revoke"))
            .form(&[("token", &refresh_token)]);
        assert_eq!(request.send().await.unwrap().status().as_u16(), expected);
    }
    assert_eq!(bench.refresh(&refresh_token).await.1["error"], "invalid_grant");
    assert_eq!(bench.get(&access_token, "/v1beta/accountSummaries").await.0, 401);
    assert_eq!(
        bench.get(&other, "/v1beta/accountSummaries").await.0,
        200,
        "another account keeps its grant"
    );
    let code = bench.code(&[("prompt", "")]).await;
    assert!(
        bench.exchange(&code).await.1.get("refresh_token").is_some(),
        "the next consent is a first one"
    );
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

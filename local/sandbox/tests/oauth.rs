//! The authorization code flow: consent, code, exchange.

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
    assert!(html.contains("lang=\"es\"") && html.contains("Permitir") && html.contains("Denegar"), "{html}");
    assert!(html.contains("value=\"cliente@lumbre.example\" required checked"), "{html}");
    assert!(html.contains("value=\"ana@agencia.example\" required>"), "{html}");
    assert!(html.contains("type=\"checkbox\" name=\"granted\""), "{html}");
    assert!(!html.contains("<script"), "the state is escaped: {html}");
    let html = page(&bench, &[("hl", "en"), ("login_hint", AGENCY)]).await.text().await.unwrap();
    assert!(html.contains("lang=\"en\"") && html.contains("Allow"), "{html}");
    assert!(html.contains("value=\"ana@agencia.example\" required checked"), "{html}");
}

#[tokio::test]
async fn a_wrong_request_is_shown_and_never_redirected() {
    let bench = Bench::new().await;
    let short = "a".repeat(42);
    let cases = [
        (("client_id", "other"), 401, "invalid_client"),
        (("redirect_uri", "http://127.0.0.1:7071/api/oauth/callback/"), 400, "redirect_uri_mismatch"),
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
    assert_eq!((back["error"].as_str(), back["state"].as_str()), ("access_denied", "st4te"));
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
    let (status, answer) = bench.get(&text(&answer["access_token"]), "/v1beta/accountSummaries").await;
    assert_eq!(status, 403);
    assert_eq!(answer["error"]["details"][0]["reason"], "ACCESS_TOKEN_SCOPE_INSUFFICIENT");
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
    for (verifier, description) in [("", "Missing code verifier."), (wrong.as_str(), "Invalid code verifier.")] {
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
        assert_eq!(answer, json!({"error": "invalid_grant", "error_description": description}));
    }
    let code = bench.code(&[("code_challenge", ""), ("code_challenge_method", "")]).await;
    assert_eq!(bench.exchange(&code).await.0, 200, "without a challenge a verifier is not needed");
}

#[tokio::test]
async fn the_exchange_needs_the_same_redirect_uri_and_the_client() {
    let bench = Bench::new().await;
    let cases = [
        (REDIRECT, CLIENT_ID, "wrong", 401, "invalid_client"),
        (REDIRECT, "other", SECRET, 401, "invalid_client"),
        (REDIRECT, "", "", 400, "invalid_request"),
        ("http://127.0.0.1:7071/other", CLIENT_ID, SECRET, 400, "redirect_uri_mismatch"),
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
        let request = bench.client.post(bench.url("/token")).basic_auth(CLIENT_ID, Some(secret)).form(&form);
        assert_eq!(request.send().await.unwrap().status().as_u16(), expected);
    }
}

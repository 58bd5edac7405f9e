//! Mails: what is sent to whom, and what happens when it cannot be.

use crate::harness::TestApp;

#[tokio::test]
async fn signing_in_sends_no_mail() {
    let app = TestApp::start().await;
    app.mailer.refuse(None);
    app.acme().await;
    assert_eq!(app.mailer.mails().len(), 0);
}

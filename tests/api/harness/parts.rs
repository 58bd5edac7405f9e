//! What a test gives the portal instead of the outside world.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use portal::domain::clock::Clock;
use portal::domain::ids::new_id;
use portal::domain::random::Random;
use portal::domain::role::Role;
use portal::domain::tenant::TenantSettings;
use portal::platform::mail::{Mail, MailError, Mailer};
use portal::platform::passwords::Passwords;
use portal::platform::queue::{Message, Queue, QueueError};
use portal::store::OperatorDatabase;
use portal::store::provisioning::{self, NewUser};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use time::macros::datetime;
use time::{Duration, OffsetDateTime};
use tokio::sync::OnceCell;

use super::{PASSWORD, secret};

/// A clock that stands still until it is moved. Starts on 23 November 2026, 10:00 UTC.
pub struct FakeClock(Mutex<OffsetDateTime>);

impl Default for FakeClock {
    fn default() -> Self {
        Self(Mutex::new(datetime!(2026-11-23 10:00 UTC)))
    }
}

impl FakeClock {
    pub fn advance(&self, by: Duration) {
        *self.0.lock().unwrap() += by;
    }
}

impl Clock for FakeClock {
    fn now(&self) -> OffsetDateTime {
        *self.0.lock().unwrap()
    }
}

/// Bytes that differ from call to call. Ids of one millisecond count upwards, so that the newest is known.
#[derive(Default)]
pub struct Seeded(AtomicU64);

impl Random for Seeded {
    fn fill(&self, buffer: &mut [u8]) {
        // What an id takes.
        if buffer.len() == 10 {
            let number = self.0.fetch_add(1, Ordering::Relaxed);
            buffer[..2].fill(0);
            buffer[2..].copy_from_slice(&number.to_be_bytes());
            return;
        }
        for part in buffer.chunks_mut(32) {
            let number = self.0.fetch_add(1, Ordering::Relaxed);
            part.copy_from_slice(&Sha256::digest(number.to_le_bytes())[..part.len()]);
        }
    }
}

/// A server that keeps the mails handed to it, or refuses them as it is told.
#[derive(Default)]
pub struct MemoryMailer {
    mails: Mutex<Vec<Mail>>,
    refusal: Mutex<Option<fn() -> MailError>>,
}

impl MemoryMailer {
    /// All that were taken, oldest first.
    pub fn mails(&self) -> Vec<Mail> {
        self.mails.lock().unwrap().clone()
    }

    /// From now on every mail is refused like this; `None`: taken again.
    pub fn refuse(&self, refusal: Option<fn() -> MailError>) {
        *self.refusal.lock().unwrap() = refusal;
    }
}

#[async_trait]
impl Mailer for MemoryMailer {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        if let Some(refusal) = *self.refusal.lock().unwrap() {
            return Err(refusal());
        }
        self.mails.lock().unwrap().push(mail.clone());
        Ok(())
    }
}

/// A queue that keeps its messages.
#[derive(Default)]
pub struct MemoryQueue {
    messages: Mutex<Vec<Message>>,
    down: Mutex<bool>,
}

impl MemoryQueue {
    /// From now on every message is refused.
    pub fn go_down(&self) {
        *self.down.lock().unwrap() = true;
    }

    pub fn come_back(&self) {
        *self.down.lock().unwrap() = false;
    }

    /// All that wait.
    pub fn messages(&self) -> Vec<Message> {
        self.messages.lock().unwrap().clone()
    }

    /// The next one that is not scheduled.
    pub fn next_immediate(&self) -> Option<Message> {
        let mut messages = self.messages.lock().unwrap();
        let at = messages.iter().position(|message| message.not_before.is_none())?;
        Some(messages.remove(at))
    }

    /// Takes out all that are scheduled.
    pub fn take_scheduled(&self) -> Vec<Message> {
        let mut messages = self.messages.lock().unwrap();
        let (scheduled, rest) = messages.drain(..).partition(|message| message.not_before.is_some());
        *messages = rest;
        scheduled
    }

    pub fn push(&self, message: Message) {
        self.messages.lock().unwrap().push(message);
    }

    /// Loses everything.
    pub fn clear(&self) {
        self.messages.lock().unwrap().clear();
    }
}

#[async_trait]
impl Queue for MemoryQueue {
    async fn send(&self, message: &Message) -> Result<(), QueueError> {
        if *self.down.lock().unwrap() {
            return Err(QueueError::Refused(503));
        }
        self.push(message.clone());
        Ok(())
    }

    async fn check(&self) -> Result<(), QueueError> {
        if *self.down.lock().unwrap() { Err(QueueError::Refused(503)) } else { Ok(()) }
    }
}

/// A Service Bus message as the host hands it over: the body encoded twice, its properties copied into the metadata.
pub fn message_envelope(message: &Message) -> Value {
    let mut metadata = json!({
        "DeliveryCount": "1", "LockToken": "\"8d1f2c3b-0000-4000-8000-000000000001\"", "MessageReceiver": {},
        "MessageId": json!(message.id).to_string(), "EnqueuedTimeUtc": "2026-11-23T10:00:00",
        "sys": {"MethodName": "run_sync", "UtcNow": "2026-11-23T10:00:00.1234567Z",
                "RandGuid": "35e6e68c-5583-436c-a277-5aec2b416ba8"}
    });
    if let Ok(Value::Object(body)) = serde_json::from_str(&message.body) {
        for (key, value) in body {
            metadata[key] = json!(value.to_string());
        }
    }
    json!({"Data": {"job": json!(message.body).to_string()}, "Metadata": metadata})
}

/// Everyone's hash; made once, because hashing is slow on purpose.
static HASH: OnceCell<String> = OnceCell::const_new();

/// Tenants, by name, and whether they are active.
const TENANTS: [(&str, bool); 3] = [("Acme", true), ("Globex", true), ("Initech", false)];

type Person = (&'static str, &'static str, &'static [(&'static str, Role)]);

/// Address, name, memberships; no membership and `operator` in the address make an operator.
const PEOPLE: [Person; 8] = [
    ("admin@acme.example", "Ana Acero", &[("Acme", Role::Admin)]),
    ("viewer@acme.example", "Víctor Acero", &[("Acme", Role::Viewer)]),
    ("admin@globex.example", "Gloria Globo", &[("Globex", Role::Admin)]),
    ("both@portal.example", "Berta Ambas", &[("Acme", Role::Admin), ("Globex", Role::Viewer)]),
    ("operator@portal.example", "Olga Operadora", &[]),
    ("disabled@acme.example", "Delia Baja", &[("Acme", Role::Admin)]),
    ("admin@initech.example", "Irene Inicio", &[("Initech", Role::Admin)]),
    ("nobody@portal.example", "Nadia Nadie", &[]),
];

/// Makes all of them as `portal_operator`.
pub async fn people(
    database: &local_postgres::testing::TestDatabase,
    passwords: &Passwords,
    clock: &dyn Clock,
    random: &Seeded,
) {
    let hash = HASH
        .get_or_init(|| async { passwords.hash(secret(PASSWORD), Arc::new(Seeded::default())).await.unwrap() })
        .await;
    let operator = OperatorDatabase::new(&secret(&database.url("portal_operator"))).unwrap();
    let mut tx = operator.begin().await.unwrap();
    let mut tenants = Vec::new();
    for (name, active) in TENANTS {
        let id = new_id(clock, random);
        provisioning::insert_tenant(&mut tx, id, name, &TenantSettings::default(), clock.now()).await.unwrap();
        if !active {
            let suspend = sqlx::query("update tenants set status = 'suspended' where id = $1").bind(id);
            suspend.execute(&mut *tx).await.unwrap();
        }
        tenants.push((name, id));
    }
    for (email, name, memberships) in PEOPLE {
        let id = new_id(clock, random);
        let is_operator = email.starts_with("operator@");
        let user = NewUser { id, email, name, password_hash: hash, is_operator };
        provisioning::insert_user(&mut tx, &user, clock.now()).await.unwrap();
        for (tenant, role) in memberships {
            let tenant = tenants.iter().find(|(name, _)| name == tenant).unwrap().1;
            provisioning::insert_membership(&mut tx, tenant, id, *role, clock.now()).await.unwrap();
        }
    }
    sqlx::query("update users set is_active = false where email like 'disabled@%'").execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
}

//! Who gets a mail and what it says, decided at the moment of sending: whoever lost access meanwhile gets nothing.

use url::Url;
use uuid::Uuid;

use super::text::{self, Invitation};
use super::{Notice, Order, mailed_hash};
use crate::domain::ids::{JobId, SourceId, TenantId, UserId};
use crate::domain::lang::Lang;
use crate::domain::random;
use crate::domain::role::Role;
use crate::domain::secret::Secret;
use crate::platform::mail::Mail;
use crate::services::audit_trail::{Act, Actor, Trail};
use crate::services::error::ServiceError;
use crate::services::mail::layout::Draft;
use crate::services::{RequestInfo, Services};
use crate::store::jobs::Claimed;
use crate::store::recipients::{self, Recipient};
use crate::store::tokens::{self, Kept, Life, Subject};
use crate::store::{StoreError, Tx, credentials, people};

/// How long a link to a new password works; the text says it in words.
const RESET_MINUTES: i32 = 30;
/// The same for a new operator.
pub(crate) const WELCOME_MINUTES: i32 = 24 * 60;

const NOBODY: &str = "nobody who can sign in is behind it";
const SETTLED: &str = "the invitation is settled, over, or its tenant is not active";
const NO_ADMIN: &str = "no longer an active admin of an active tenant";
const CONNECTED: &str = "the source was connected again, is paused or is gone";
const REPLACED: &str = "a newer request has replaced it";

/// What is to be sent.
pub(super) enum Composed {
    /// A mail, and the token of its link.
    Mail(Box<Mail>, Option<Secret>),
    /// Nothing, and why.
    Unwanted(&'static str),
}

/// A page of the site that takes a token. It stands in the fragment, which no server and no referrer ever sees.
#[derive(Clone, Copy)]
enum Page {
    Reset,
    Invitation,
}

impl Services {
    /// Writes a mail. The token of its link is made here and is kept nowhere but in the mail.
    pub(super) async fn compose(
        &self,
        tenant: TenantId,
        job: &Claimed,
        order: &Order,
    ) -> Result<Composed, ServiceError> {
        let mut tx = self.database.router().await?;
        let composed = match order {
            Order::PasswordReset { email } => {
                let person = recipients::by_email(&mut tx, email).await?;
                self.reset(&mut tx, job, person).await?
            }
            Order::OperatorWelcome { user } => {
                let person = recipients::by_id(&mut tx, *user).await?;
                self.welcome(&mut tx, job, person).await?
            }
            Order::Invitation { invitation } => self.invitation(&mut tx, tenant, job, *invitation).await?,
            Order::Notice { user, notice } => {
                let person = recipients::by_id(&mut tx, *user).await?;
                self.notice(job, person, *notice)
            }
            Order::AccessLost { user, source } => self.access_lost(&mut tx, (tenant, *user), job, *source).await?,
        };
        tx.commit().await.map_err(StoreError::from)?;
        Ok(composed)
    }

    async fn reset(&self, tx: &mut Tx, job: &Claimed, person: Option<Recipient>) -> Result<Composed, ServiceError> {
        let Some(person) = person.filter(Recipient::is_reachable) else { return Ok(Composed::Unwanted(NOBODY)) };
        let subject = Subject::Person(UserId(person.id));
        let Some((token, kept)) = self.token(tx, subject, job, Life::Minutes(RESET_MINUTES)).await? else {
            return Ok(Composed::Unwanted(REPLACED));
        };
        if kept == Kept::First {
            self.record_request(tx, &person).await?;
        }
        let draft =
            text::reset(Lang::from_tag(&person.locale), &self.identity.name, &person, self.link(Page::Reset, &token));
        Ok(Self::mail(job, &person.email, &draft, Some(token)))
    }

    /// Somebody has asked for a link to this person's account: every tenant of theirs may know.
    async fn record_request(&self, tx: &mut Tx, person: &Recipient) -> Result<(), ServiceError> {
        let mut tenants: Vec<TenantId> =
            people::memberships(tx, UserId(person.id)).await?.into_iter().map(|member| member.tenant).collect();
        // Everyone who writes to several trails takes them in the same order, so that no two wait for each other.
        tenants.sort_unstable();
        let trails = if tenants.is_empty() {
            vec![Trail::Platform(None)]
        } else {
            tenants.into_iter().map(Trail::Tenant).collect()
        };
        for trail in trails {
            let act = Act::new("password.reset_requested", format!("user/{}", person.id));
            self.record(tx, trail, &Actor::NOBODY, &RequestInfo::default(), act).await?;
        }
        Ok(())
    }

    async fn welcome(&self, tx: &mut Tx, job: &Claimed, person: Option<Recipient>) -> Result<Composed, ServiceError> {
        let operator = person.filter(|person| person.is_active && person.is_operator);
        let Some(person) = operator else { return Ok(Composed::Unwanted(NOBODY)) };
        let subject = Subject::Person(UserId(person.id));
        let Some((token, _)) = self.token(tx, subject, job, Life::Minutes(WELCOME_MINUTES)).await? else {
            return Ok(Composed::Unwanted(REPLACED));
        };
        let draft =
            text::welcome(Lang::from_tag(&person.locale), &self.identity.name, &person, self.link(Page::Reset, &token));
        Ok(Self::mail(job, &person.email, &draft, Some(token)))
    }

    async fn invitation(
        &self,
        tx: &mut Tx,
        tenant: TenantId,
        job: &Claimed,
        invitation: Uuid,
    ) -> Result<Composed, ServiceError> {
        let Some(invited) = recipients::invited(tx, tenant, invitation).await? else {
            return Ok(Composed::Unwanted(SETTLED));
        };
        let subject = Subject::Invitation(tenant, invitation);
        let Some((token, _)) = self.token(tx, subject, job, Life::Until(invited.expires_at)).await? else {
            return Ok(Composed::Unwanted(REPLACED));
        };
        let settings = &invited.settings.0;
        let facts = Invitation {
            portal: &self.identity.name,
            tenant: &invited.tenant_name,
            email: &invited.email,
            name: invited.name.as_deref(),
            invited_by: invited.invited_by.as_deref(),
            admin: Role::parse_member(&invited.role) == Some(Role::Admin),
            until: settings.zone.date_of(invited.expires_at),
        };
        // Whoever has an account has chosen a language; for the others the tenant has.
        let lang = Lang::from_tag(invited.locale.as_deref().unwrap_or(&settings.locale));
        let draft = text::invitation(lang, &facts, self.link(Page::Invitation, &token));
        Ok(Self::mail(job, &invited.email, &draft, Some(token)))
    }

    async fn access_lost(
        &self,
        tx: &mut Tx,
        (tenant, user): (TenantId, UserId),
        job: &Claimed,
        source: SourceId,
    ) -> Result<Composed, ServiceError> {
        let Some(admin) = recipients::admin(tx, tenant, user).await? else { return Ok(Composed::Unwanted(NO_ADMIN)) };
        let mut app = self.database.tenant(tenant).await?;
        let Some(lost) = credentials::lost(&mut app, tenant, source).await? else {
            return Ok(Composed::Unwanted(CONNECTED));
        };
        let provider = self.connectors.get(&lost.provider).map_or("", |connector| connector.provider().name);
        let facts = text::Lost {
            portal: &self.identity.name,
            tenant: &admin.tenant_name,
            name: &admin.name,
            provider,
            access: &lost.label,
            sources: &lost.sources,
        };
        let draft =
            text::access_lost(Lang::from_tag(&admin.locale), &facts, self.at(&format!("/sources?source={source}")));
        Ok(Self::mail(job, &admin.email, &draft, None))
    }

    fn notice(&self, job: &Claimed, person: Option<Recipient>, notice: Notice) -> Composed {
        let Some(person) = person.filter(Recipient::is_reachable) else { return Composed::Unwanted(NOBODY) };
        let lang = Lang::from_tag(&person.locale);
        let draft = text::notice(lang, &self.identity.name, &person, notice, job.created_at, self.at("/forgot"));
        Self::mail(job, &person.email, &draft, None)
    }

    fn mail(job: &Claimed, to: &str, draft: &Draft, token: Option<Secret>) -> Composed {
        let (subject, text, html) = (draft.subject(), draft.text(), draft.html());
        let mail = Mail { id: job.id, to: to.to_owned(), lang: draft.lang, subject, text, html };
        Composed::Mail(Box::new(mail), token)
    }

    /// A fresh token of which only the digest is kept, and whether it is the job's first; `None`: a newer job has made one.
    async fn token(
        &self,
        tx: &mut Tx,
        subject: Subject,
        job: &Claimed,
        life: Life,
    ) -> Result<Option<(Secret, Kept)>, ServiceError> {
        let token = random::token(self.random.as_ref());
        let made_by = tokens::Order { job: JobId(job.id), at: job.created_at };
        let kept = tokens::insert_mailed(tx, &mailed_hash(&token), subject, made_by, life).await?;
        Ok((kept != Kept::Replaced).then(|| (Secret::new(token), kept)))
    }

    /// The page on which a person chooses a password.
    pub(crate) fn reset_link(&self, token: &Secret) -> Url {
        self.link(Page::Reset, token)
    }

    fn link(&self, page: Page, token: &Secret) -> Url {
        let page = match page {
            Page::Reset => "reset",
            Page::Invitation => "invitation",
        };
        self.at(&format!("/{page}?token={}", token.expose()))
    }

    /// A place of the site, whatever a request said about where it is.
    fn at(&self, place: &str) -> Url {
        let mut url = self.identity.origin.clone();
        url.set_path("/");
        url.set_query(None);
        url.set_fragment(Some(place));
        url
    }
}

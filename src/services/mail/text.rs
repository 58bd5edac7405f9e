//! What the mails say, in Spanish and English: who writes, what it is about, until when, and what to do if it was not
//! you. Sentences are plain text; `layout.rs` makes them safe.

use time::{Date, OffsetDateTime};
use url::Url;

use super::Notice;
use super::layout::Draft;
use crate::domain::lang::{Lang, Text};
use crate::store::recipients::Recipient;

/// Letters of a name that a mail repeats.
const NAME_LENGTH: usize = 80;

/// Sources that a mail names; of more it tells how many.
const NAMED: usize = 5;

/// What is known of an invitation.
pub(super) struct Invitation<'a> {
    pub portal: &'a str,
    pub tenant: &'a str,
    pub email: &'a str,
    pub name: Option<&'a str>,
    pub invited_by: Option<&'a str>,
    pub admin: bool,
    pub until: Date,
}

/// A link to a new password, for someone who (probably) asked.
pub(super) fn reset(lang: Lang, portal: &str, person: &Recipient, link: Url) -> Draft {
    let email = &person.email;
    Draft {
        lang,
        portal: portal.to_owned(),
        subject: say(lang, format!("Su nueva contraseña de {portal}"), format!("Your new password for {portal}")),
        greeting: hello(lang, Some(&person.name)),
        before: vec![say(
            lang,
            format!("Alguien, seguramente usted, ha pedido cambiar la contraseña de la cuenta {email} en {portal}."),
            format!("Someone, probably you, asked to change the password of the account {email} at {portal}."),
        )],
        link: (say(lang, "Elegir una contraseña", "Choose a password"), link),
        after: vec![
            say(lang, "El enlace sirve una sola vez, durante 30 minutos.", "The link works once, for 30 minutes."),
            say(
                lang,
                "Si no lo ha pedido usted, no tiene que hacer nada: su contraseña sigue siendo la misma.",
                "If it was not you, there is nothing to do: your password stays as it is.",
            ),
        ],
    }
}

/// A link to the first password, for a new operator.
pub(super) fn welcome(lang: Lang, portal: &str, person: &Recipient, link: Url) -> Draft {
    let email = &person.email;
    Draft {
        lang,
        portal: portal.to_owned(),
        subject: say(lang, format!("Su cuenta en {portal}"), format!("Your account at {portal}")),
        greeting: hello(lang, Some(&person.name)),
        before: vec![say(
            lang,
            format!(
                "Hay una cuenta de operador de {portal} para usted, con la dirección {email}. Solo falta la contraseña."
            ),
            format!(
                "There is an operator's account of {portal} for you, with the address {email}. Only the password is missing."
            ),
        )],
        link: (say(lang, "Elegir una contraseña", "Choose a password"), link),
        after: vec![
            say(
                lang,
                "El enlace sirve una sola vez, durante 24 horas. Después puede pedir otro en la página de acceso, como quien ha olvidado su contraseña.",
                "The link works once, for 24 hours. After that you can ask for another one on the sign-in page, like someone who forgot the password.",
            ),
            say(
                lang,
                "Si no esperaba este mensaje, no lo use y avise a quien administra el portal.",
                "If you did not expect this message, do not use it and tell whoever runs the portal.",
            ),
        ],
    }
}

/// A link to join a tenant.
pub(super) fn invitation(lang: Lang, facts: &Invitation<'_>, link: Url) -> Draft {
    let (portal, tenant, email) = (facts.portal, facts.tenant, facts.email);
    let what = match (facts.admin, lang) {
        (true, Lang::Es) => "ver sus cifras y administrar sus fuentes y su equipo",
        (true, Lang::En) => "see its figures and manage its sources and its team",
        (false, Lang::Es) => "ver sus cifras",
        (false, Lang::En) => "see its figures",
    };
    let invites = match facts.invited_by.map(short) {
        Some(who) => {
            say(lang, format!("{who} le invita a unirse a {tenant}"), format!("{who} invites you to join {tenant}"))
        }
        None => say(lang, format!("Le invitamos a unirse a {tenant}"), format!("We invite you to join {tenant}")),
    };
    Draft {
        lang,
        portal: portal.to_owned(),
        subject: say(lang, format!("Invitación a {tenant} en {portal}"), format!("Invitation to {tenant} at {portal}")),
        greeting: hello(lang, facts.name),
        before: vec![say(
            lang,
            format!("{invites} en {portal}, para {what}."),
            format!("{invites} at {portal}, to {what}."),
        )],
        link: (say(lang, "Aceptar la invitación", "Accept the invitation"), link),
        after: vec![
            say(
                lang,
                format!("La invitación es personal, para {email}, y vale hasta el {}.", day(lang, facts.until)),
                format!("The invitation is personal, for {email}, and is good until {}.", day(lang, facts.until)),
            ),
            say(
                lang,
                format!(
                    "Si no conoce {tenant} o no la esperaba, no tiene que hacer nada: sin usted no se crea ninguna cuenta."
                ),
                format!(
                    "If you do not know {tenant} or did not expect it, there is nothing to do: no account is made without you."
                ),
            ),
        ],
    }
}

/// What is known of an access that a provider no longer takes.
pub(super) struct Lost<'a> {
    pub portal: &'a str,
    pub tenant: &'a str,
    pub name: &'a str,
    /// The provider's own name.
    pub provider: &'a str,
    /// How people recognise the access; may be empty.
    pub access: &'a str,
    /// Names of the sources that stand still.
    pub sources: &'a [String],
}

/// Sources stand still until an admin connects them again.
pub(super) fn access_lost(lang: Lang, facts: &Lost<'_>, link: Url) -> Draft {
    let (portal, tenant, provider) = (facts.portal, facts.tenant, facts.provider);
    let sources = named(lang, facts.sources);
    let access = if facts.access.is_empty() { String::new() } else { format!(" ({})", short(facts.access)) };
    Draft {
        lang,
        portal: portal.to_owned(),
        subject: say(
            lang,
            format!("Hay que volver a conectar {provider} de {tenant} · {portal}"),
            format!("{provider} of {tenant} must be connected again · {portal}"),
        ),
        greeting: hello(lang, Some(facts.name)),
        before: vec![
            say(
                lang,
                format!("{provider} ya no acepta la conexión{access} con la que leemos {sources}."),
                format!("{provider} no longer accepts the connection{access} with which we read {sources}."),
            ),
            say(
                lang,
                "Lo más habitual es que alguien haya retirado el permiso o que haya caducado. Las cifras guardadas siguen a la vista, pero no se actualizan hasta que un administrador vuelva a conectar la cuenta. Al conectarla no se pierde nada.",
                "Most often someone has withdrawn the permission or it has expired. The stored figures stay in view but are not updated until an admin connects the account again. Nothing is lost by connecting it.",
            ),
        ],
        link: (say(lang, "Ir a las fuentes", "Go to the sources"), link),
        after: vec![say(
            lang,
            "Si se ha retirado el permiso a propósito, pause o elimine la fuente. No volveremos a avisar de esto hasta que se conecte de nuevo.",
            "If the permission was withdrawn on purpose, pause or delete the source. We will not write about this again until it has been connected anew.",
        )],
    }
}

/// `«Web», «Blog» y 2 más`.
fn named(lang: Lang, names: &[String]) -> String {
    let (open, close) = match lang {
        Lang::Es => ('«', '»'),
        Lang::En => ('“', '”'),
    };
    let shown: Vec<String> = names.iter().take(NAMED).map(|name| format!("{open}{}{close}", short(name))).collect();
    let shown = shown.join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => shown,
        more => say(lang, format!("{shown} y {more} más"), format!("{shown} and {more} more")),
    }
}

/// Something happened to the account.
pub(super) fn notice(
    lang: Lang,
    portal: &str,
    person: &Recipient,
    notice: Notice,
    at: OffsetDateTime,
    forgot: Url,
) -> Draft {
    let (email, what) = (&person.email, happened(notice));
    let what = what.get(lang);
    let (date, hour, minute) = (day(lang, at.date()), at.hour(), at.minute());
    Draft {
        lang,
        portal: portal.to_owned(),
        subject: format!("{what} · {portal}"),
        greeting: hello(lang, Some(&person.name)),
        before: vec![
            say(
                lang,
                format!("{what}. Es la cuenta {email} en {portal}; ocurrió el {date} a las {hour:02}:{minute:02} UTC."),
                format!(
                    "{what}. It is the account {email} at {portal}; it happened on {date} at {hour:02}:{minute:02} UTC."
                ),
            ),
            say(
                lang,
                "Si ha sido usted o lo ha pedido, no tiene que hacer nada. Si no, elija ahora una contraseña nueva, cierre todas sus sesiones y avise a quien administra su cuenta.",
                "If it was you or you asked for it, there is nothing to do. If not, choose a new password now, end all your sessions and tell whoever manages your account.",
            ),
        ],
        link: (say(lang, "Pedir una contraseña nueva", "Ask for a new password"), forgot),
        after: Vec::new(),
    }
}

fn happened(notice: Notice) -> Text {
    match notice {
        Notice::PasswordChanged => Text::new("Su contraseña ha cambiado", "Your password was changed"),
        Notice::PasswordReset => Text::new(
            "Su contraseña se ha sustituido mediante un enlace enviado por correo",
            "Your password was replaced through a link sent by mail",
        ),
        Notice::MfaEnabled => {
            Text::new("Se ha activado la verificación en dos pasos", "Two-step verification was turned on")
        }
        Notice::MfaDisabled => {
            Text::new("Se ha desactivado la verificación en dos pasos", "Two-step verification was turned off")
        }
        Notice::MfaReset => Text::new(
            "Un operador ha retirado su verificación en dos pasos",
            "An operator removed your two-step verification",
        ),
        Notice::RecoveryCodeUsed => {
            Text::new("Se ha usado uno de sus códigos de recuperación", "One of your recovery codes was used")
        }
    }
}

fn hello(lang: Lang, name: Option<&str>) -> String {
    match name.map(short).filter(|name| !name.trim().is_empty()) {
        Some(name) => say(lang, format!("Hola, {name}:"), format!("Hello {name},")),
        None => say(lang, "Hola:", "Hello,"),
    }
}

fn say(lang: Lang, es: impl Into<String>, en: impl Into<String>) -> String {
    Text::new(es, en).get(lang).to_owned()
}

fn short(name: &str) -> String {
    name.chars().take(NAME_LENGTH).collect()
}

/// `30 de noviembre de 2026`, `30 November 2026`.
fn day(lang: Lang, date: Date) -> String {
    const MONTHS: [&str; 12] = [
        "enero",
        "febrero",
        "marzo",
        "abril",
        "mayo",
        "junio",
        "julio",
        "agosto",
        "septiembre",
        "octubre",
        "noviembre",
        "diciembre",
    ];
    let (year, month, day) = date.to_calendar_date();
    match lang {
        Lang::Es => format!("{day} de {} de {year}", MONTHS[usize::from(u8::from(month)) - 1]),
        Lang::En => format!("{day} {month} {year}"),
    }
}

#[cfg(test)]
mod tests {
    use time::macros::{date, datetime};

    use super::*;

    const NOTICES: [Notice; 6] = [
        Notice::PasswordChanged,
        Notice::PasswordReset,
        Notice::MfaEnabled,
        Notice::MfaDisabled,
        Notice::MfaReset,
        Notice::RecoveryCodeUsed,
    ];

    fn person() -> Recipient {
        Recipient {
            id: uuid::Uuid::nil(),
            email: "ana@acme.example".into(),
            name: "Ana".into(),
            locale: "es".into(),
            is_active: true,
            is_operator: false,
            is_member: true,
        }
    }

    fn link() -> Url {
        Url::parse("https://portal.example/#/x").unwrap()
    }

    #[test]
    fn a_day_is_written_as_people_write_it() {
        assert_eq!(day(Lang::Es, date!(2026 - 03 - 01)), "1 de marzo de 2026");
        assert_eq!(day(Lang::En, date!(2026 - 12 - 31)), "31 December 2026");
    }

    #[test]
    fn an_invitation_says_who_invites_to_what_and_until_when() {
        let facts = Invitation {
            portal: "Portal",
            tenant: "Acme",
            email: "nuria@acme.example",
            name: None,
            invited_by: Some("Ana Acero"),
            admin: false,
            until: date!(2026 - 11 - 30),
        };
        let text = invitation(Lang::Es, &facts, link()).text();
        assert!(text.contains("Ana Acero le invita a unirse a Acme en Portal, para ver sus cifras."), "{text}");
        assert!(text.contains("para nuria@acme.example, y vale hasta el 30 de noviembre de 2026."), "{text}");
        let operator = Invitation { invited_by: None, admin: true, ..facts };
        let text = invitation(Lang::En, &operator, link()).text();
        assert!(text.contains("We invite you to join Acme at Portal, to see its figures and manage"), "{text}");
    }

    #[test]
    fn a_lost_access_names_the_sources_that_stand_still() {
        let sources: Vec<String> = ["Web", "Blog", "c", "d", "e", "f", "g"].map(str::to_owned).into();
        let facts = |sources| Lost {
            portal: "Portal",
            tenant: "Acme",
            name: "Ana",
            provider: "Google Analytics",
            access: "ana@acme.example",
            sources,
        };
        let text = access_lost(Lang::Es, &facts(&sources[..1]), link()).text();
        let said = "Google Analytics ya no acepta la conexión (ana@acme.example) con la que leemos «Web».";
        assert!(text.contains(said) && text.contains("https://portal.example/#/x"), "{text}");
        let text = access_lost(Lang::En, &facts(&sources), link()).text();
        assert!(text.contains("we read “Web”, “Blog”, “c”, “d”, “e” and 2 more."), "{text}");
    }

    #[test]
    fn every_notice_says_what_happened_and_what_to_do_if_it_was_not_you() {
        for (lang, not_you) in [(Lang::Es, "Si no, elija ahora"), (Lang::En, "If not, choose a new")] {
            let texts: std::collections::BTreeSet<String> = NOTICES
                .map(|kind| notice(lang, "Portal", &person(), kind, datetime!(2026-11-23 10:05 UTC), link()).text())
                .into();
            assert_eq!(texts.len(), NOTICES.len());
            assert!(texts.iter().all(|text| text.contains(not_you) && text.contains("10:05 UTC")), "{texts:?}");
        }
    }
}

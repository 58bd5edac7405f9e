//! Why a failure happens and whose turn it is: the table that splits a failure's sentence for pages that show it in parts.
//!
//! A sentence (`sentences.rs`) reads «what happened; what to do.» Here stand the two things that it leaves out.

use serde::Serialize;

use super::sentences::{codes, sentence};
use crate::domain::lang::Text;
use crate::domain::metric::Bilingual;

/// Whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// An administrator of the client.
    Admin,
    /// The people of the portal.
    Portal,
    /// Nobody: it goes on by itself.
    Nobody,
}

/// A failure's sentence in parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// What happened.
    pub what: Text,
    /// Why.
    pub why: Text,
    /// Whose turn it is.
    pub who: Who,
    /// What they do, or what happens by itself.
    pub action: Text,
}

type Row = (Who, &'static [&'static str], Bilingual);

const fn why(es: &'static str, en: &'static str) -> Bilingual {
    Bilingual { es, en }
}

/// Of several codes together, where they have one reason.
const TABLE: &[Row] = &[
    (
        Who::Nobody,
        &[codes::UPSTREAM_CONNECT, codes::UPSTREAM_TIMEOUT, codes::UPSTREAM_TRUNCATED],
        why(
            "La red o el servicio de origen fallaron un momento.",
            "The network or the data provider failed for a moment.",
        ),
    ),
    (
        Who::Portal,
        &[codes::UPSTREAM_TOO_LARGE],
        why("Una sola respuesta supera el tamaño que admitimos.", "A single answer is larger than what we accept."),
    ),
    (
        Who::Portal,
        &[
            codes::UPSTREAM_HTML,
            codes::UPSTREAM_JSON,
            codes::OAUTH_UNEXPECTED,
            codes::GA4_UNEXPECTED,
            codes::GA4_REPORT_SHAPE,
            codes::GA4_REQUEST_REFUSED,
        ],
        why(
            "El servicio de origen se comporta de otra manera que hasta ahora.",
            "The data provider behaves differently than before.",
        ),
    ),
    (
        Who::Portal,
        &[codes::UPSTREAM_REQUEST, codes::OAUTH_CLIENT_INVALID, codes::GA4_API_DISABLED],
        why("Un ajuste del portal no es correcto.", "A setting of the portal is wrong."),
    ),
    (
        Who::Admin,
        &[codes::OAUTH_REVOKED, codes::GA4_UNAUTHENTICATED],
        why(
            "Alguien retiró el permiso o cambió la contraseña, o el permiso caducó.",
            "Somebody withdrew the permission or changed the password, or the permission expired.",
        ),
    ),
    (
        Who::Admin,
        &[codes::OAUTH_CODE_REFUSED],
        why(
            "Pasó demasiado tiempo entre dar el permiso y volver al portal.",
            "Too much time passed between giving the permission and coming back to the portal.",
        ),
    ),
    (
        Who::Admin,
        &[codes::OAUTH_ADMIN_POLICY],
        why(
            "Su organización limita qué aplicaciones pueden leer sus datos.",
            "Your organisation restricts which applications may read its data.",
        ),
    ),
    (
        Who::Admin,
        &[codes::OAUTH_SCOPE_MISSING, codes::GA4_SCOPE_MISSING],
        why(
            "La casilla de ese permiso no quedó marcada al conectar.",
            "The box of that permission was not ticked when connecting.",
        ),
    ),
    (
        Who::Admin,
        &[codes::OAUTH_NO_REFRESH_TOKEN],
        why(
            "Google recuerda un permiso anterior y no da otro nuevo.",
            "Google remembers an earlier permission and gives no new one.",
        ),
    ),
    (
        Who::Nobody,
        &[codes::OAUTH_RATE_LIMITED, codes::GA4_QUOTA, codes::GA4_QUOTA_CONCURRENT],
        why(
            "Google limita cuántas consultas atiende en poco tiempo.",
            "Google limits how many requests it serves in a short time.",
        ),
    ),
    (
        Who::Nobody,
        &[codes::OAUTH_SERVER_ERROR, codes::GA4_SERVER_ERROR, codes::GA4_QUOTA_SERVER_ERRORS],
        why("Google tiene un problema en sus servidores.", "Google has a problem in its servers."),
    ),
    (
        Who::Admin,
        &[codes::GA4_PERMISSION],
        why(
            "A esa cuenta le falta acceso, o se lo han quitado.",
            "That account lacks access, or somebody has taken it away.",
        ),
    ),
    (
        Who::Admin,
        &[codes::GA4_PROPERTY_UNKNOWN],
        why("La propiedad se eliminó o cambió de dueño.", "The property was deleted or changed hands."),
    ),
    (
        Who::Nobody,
        &[codes::GA4_QUOTA_HOUR, codes::GA4_QUOTA_DAY],
        why(
            "Todas las herramientas que leen esta propiedad comparten ese límite.",
            "All tools that read this property share that limit.",
        ),
    ),
    (
        Who::Nobody,
        &[codes::GA4_QUOTA_THRESHOLDED, codes::GA4_NOTE_THRESHOLDED],
        why(
            "Google evita que se reconozca a personas concretas.",
            "Google keeps individual people from being recognised.",
        ),
    ),
    (
        Who::Nobody,
        &[codes::GA4_PAGES_MOVED],
        why("El servicio de origen aún estaba contando.", "The data provider was still counting."),
    ),
    (
        Who::Nobody,
        &[codes::GA4_NOTE_FOLDED, codes::GA4_NOTE_SAMPLED],
        why("Hay más datos de los que Google detalla.", "There is more data than Google details."),
    ),
    (
        Who::Admin,
        &[codes::GA4_NOTE_RESTRICTED],
        why(
            "Un administrador de Google Analytics ha restringido esas métricas.",
            "A Google Analytics administrator has restricted those metrics.",
        ),
    ),
    (
        Who::Admin,
        &[codes::KEY_READS_NOTHING],
        why("La clave no tiene ningún permiso de lectura.", "The key has no read permission at all."),
    ),
    (
        Who::Admin,
        &[codes::KEY_OF_OTHER_ACCOUNT],
        why(
            "Los datos de dos cuentas no deben mezclarse en una fuente.",
            "Data of two accounts must not mix in one source.",
        ),
    ),
    (
        Who::Nobody,
        &[codes::PROVIDER_DOWN],
        why(
            "Varias fuentes de este servicio han fallado seguidas, también de otros clientes.",
            "Several sources of this provider failed in a row, other clients' too.",
        ),
    ),
    (
        Who::Nobody,
        &[codes::REQUESTS_SPENT],
        why(
            "Repartimos las consultas para no agotar su límite.",
            "We spread our requests so that your limit is not used up.",
        ),
    ),
    (
        Who::Admin,
        &[codes::LIMIT_DATAPOINTS],
        why("Su plan limita cuántos datos guardamos.", "Your plan limits how much data we keep."),
    ),
    (
        Who::Nobody,
        &["calendar_changed"],
        why(
            "La cuenta tiene ahora otra zona horaria u otra moneda.",
            "The account has another time zone or currency now.",
        ),
    ),
    (
        Who::Portal,
        &["calendar_unknown"],
        why("La cuenta usa una zona horaria que no conocemos.", "The account uses a time zone that we do not know."),
    ),
    (
        Who::Admin,
        &["stripe_key_publishable", "stripe_key_form"],
        why(
            "Se ha pegado otro texto en lugar de la clave restringida.",
            "Another text was pasted instead of the restricted key.",
        ),
    ),
    (
        Who::Admin,
        &["stripe_key_refused"],
        why(
            "Alguien la borró o la cambió en Stripe, o llegó su fecha de fin.",
            "Somebody deleted or rolled it in Stripe, or its end date came.",
        ),
    ),
    (
        Who::Admin,
        &["stripe_permission", "stripe_balance_unreadable"],
        why("Ese permiso no está marcado en la clave.", "That permission is not ticked in the key."),
    ),
    (
        Who::Admin,
        &["stripe_other_account"],
        why(
            "Los datos de dos cuentas no deben mezclarse en una fuente.",
            "Data of two accounts must not mix in one source.",
        ),
    ),
    (
        Who::Admin,
        &["stripe_full_key"],
        why(
            "Para leer cifras basta una clave que solo puede leer.",
            "To read figures a key that can only read is enough.",
        ),
    ),
    (
        Who::Nobody,
        &["stripe_rate_limited", "stripe_busy"],
        why(
            "Stripe limita cuántas consultas atiende a la vez.",
            "Stripe limits how many requests it serves at a time.",
        ),
    ),
    (
        Who::Nobody,
        &["stripe_server_error"],
        why("Stripe tiene un problema en sus servidores.", "Stripe has a problem in its servers."),
    ),
    (
        Who::Nobody,
        &["stripe_read_anew"],
        why(
            "Stripe solo recuerda los cambios de los últimos días.",
            "Stripe remembers the changes of the last days only.",
        ),
    ),
    (
        Who::Portal,
        &["stripe_request_refused", "stripe_unexpected", "stripe_shape", "stripe_pages", "stripe_mode"],
        why("Stripe se comporta de otra manera que hasta ahora.", "Stripe behaves differently than before."),
    ),
    (
        Who::Portal,
        &["stripe_ledger_gap", "stripe_category_unknown"],
        why(
            "Puede faltarnos algún movimiento o no saber contarlo.",
            "We may lack a transaction, or not know how to count it.",
        ),
    ),
];

const UNKNOWN: Bilingual = Bilingual { es: "Aún no sabemos la causa.", en: "We do not know the cause yet." };

/// A failure in parts, also one that was stored by an older version.
pub fn explain(code: &str) -> Explanation {
    let whole = sentence(code);
    let (who, why) = TABLE
        .iter()
        .find(|(_, codes, _)| codes.contains(&code))
        .map_or((Who::Portal, UNKNOWN), |(who, _, why)| (*who, *why));
    let (es, en) = (parts(whole.es), parts(whole.en));
    Explanation { what: Text::new(es.0, en.0), why: Text::new(why.es, why.en), who, action: Text::new(es.1, en.1) }
}

/// «What happened; what to do.» as two sentences; one that has no second part is all of it.
fn parts(sentence: &str) -> (String, String) {
    match sentence.split_once("; ") {
        Some((what, action)) => (format!("{what}."), capitalised(action)),
        None => (sentence.to_owned(), sentence.to_owned()),
    }
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::lang::Lang;

    #[test]
    fn every_code_has_a_reason_of_its_own_and_a_sentence_in_two_parts() {
        for code in codes::CODES {
            let rows = TABLE.iter().filter(|(_, codes, _)| codes.contains(code)).count();
            assert_eq!(rows, 1, "{code}: say in this table why it happens and whose turn it is");
            let told = explain(code);
            for lang in [Lang::Es, Lang::En] {
                assert_ne!(told.what.get(lang), told.action.get(lang), "{code} is not «what; what to do.»");
                for part in [told.what.get(lang), told.why.get(lang), told.action.get(lang)] {
                    assert!(
                        part.ends_with('.') && part.chars().next().is_some_and(char::is_uppercase),
                        "{code}: {part}"
                    );
                }
            }
        }
    }

    #[test]
    fn what_goes_on_by_itself_is_nobodys_turn() {
        let revoked = explain(codes::OAUTH_REVOKED);
        assert_eq!(revoked.who, Who::Admin);
        assert_eq!(revoked.what.get(Lang::En), "Google no longer accepts the permission you gave us.");
        assert_eq!(revoked.action.get(Lang::En), "An administrator has to connect the account again.");
        assert_eq!(explain(codes::GA4_QUOTA_HOUR).who, Who::Nobody);
        assert_eq!(explain("platform_error").who, Who::Portal, "an unknown code is ours to look into");
    }
}

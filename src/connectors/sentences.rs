//! The sentences for clients, by failure code. A stored code can be put into words later, in the reader's language.

use crate::domain::metric::Bilingual;

macro_rules! sentences {
    ($($(#[doc = $doc:literal])* $name:ident = $code:literal, $es:literal, $en:literal;)*) => {
        /// The codes of all failures: stable, because they are stored with sources and syncs.
        pub mod codes {
            $($(#[doc = $doc])* pub const $name: &str = $code;)*
            /// All of them.
            pub const CODES: &[&str] = &[$($name),*];
        }
        const TABLE: &[(&str, Bilingual)] = &[$((codes::$name, Bilingual { es: $es, en: $en })),*];
    };
}

sentences! {
    /// No connection to the upstream's host.
    UPSTREAM_CONNECT = "upstream_connect",
        "No hemos podido conectar con el servicio de origen; lo intentaremos de nuevo automáticamente.",
        "We could not reach the data provider; we will try again automatically.";
    /// No complete answer within the time-out.
    UPSTREAM_TIMEOUT = "upstream_timeout",
        "El servicio de origen ha tardado demasiado en responder; lo intentaremos de nuevo automáticamente.",
        "The data provider took too long to answer; we will try again automatically.";
    /// The connection broke before the answer was complete.
    UPSTREAM_TRUNCATED = "upstream_truncated",
        "La respuesta del servicio de origen se ha cortado; lo intentaremos de nuevo automáticamente.",
        "The data provider's answer was cut off; we will try again automatically.";
    /// The answer is larger than the cap.
    UPSTREAM_TOO_LARGE = "upstream_too_large",
        "El servicio de origen ha enviado más datos de los esperados; nuestro equipo ya lo está revisando.",
        "The data provider sent more data than expected; our team is looking into it.";
    /// An HTML page where JSON was due.
    UPSTREAM_HTML = "upstream_html",
        "El servicio de origen ha respondido algo inesperado; nuestro equipo ya lo está revisando.",
        "The data provider gave an unexpected answer; our team is looking into it.";
    /// The JSON could not be read.
    UPSTREAM_JSON = "upstream_json",
        "El servicio de origen ha respondido algo inesperado; nuestro equipo ya lo está revisando.",
        "The data provider gave an unexpected answer; our team is looking into it.";
    /// The configured address is not allowed or the request cannot be built.
    UPSTREAM_REQUEST = "upstream_request",
        "La conexión con el servicio de origen está mal configurada; nuestro equipo debe corregirla.",
        "The connection to the data provider is misconfigured; our team has to correct it.";
    /// The grant is expired or revoked.
    OAUTH_REVOKED = "oauth_revoked",
        "Google ya no acepta el permiso que nos dio; un administrador debe volver a conectar la cuenta.",
        "Google no longer accepts the permission you gave us; an administrator has to connect the account again.";
    /// The authorization code was refused.
    OAUTH_CODE_REFUSED = "oauth_code_refused",
        "El permiso ha caducado antes de completar la conexión; un administrador debe conectar de nuevo.",
        "The permission expired before the connection was complete; an administrator has to connect again.";
    /// Client id, secret or redirect address are wrong.
    OAUTH_CLIENT_INVALID = "oauth_client_invalid",
        "La conexión del portal con Google está mal configurada; nuestro equipo debe corregirla.",
        "The portal's connection to Google is misconfigured; our team has to correct it.";
    /// The Workspace administrator forbids it.
    OAUTH_ADMIN_POLICY = "oauth_admin_policy",
        "El administrador de su organización en Google no permite esta conexión; pídale que autorice el portal.",
        "Your organisation's Google administrator does not allow this connection; ask them to authorise the portal.";
    /// The person did not tick the box.
    OAUTH_SCOPE_MISSING = "oauth_scope_missing",
        "Falta el permiso para ver los datos de Google Analytics; conecte de nuevo y deje marcada esa casilla.",
        "The permission to see Google Analytics data is missing; connect again and leave that box ticked.";
    /// The code exchange brought no refresh token.
    OAUTH_NO_REFRESH_TOKEN = "oauth_no_refresh_token",
        "Google no nos ha dado un permiso duradero; quite el acceso del portal en su cuenta de Google y conecte de nuevo.",
        "Google gave us no lasting permission; remove the portal's access in your Google account and connect again.";
    /// The token endpoint asks to wait.
    OAUTH_RATE_LIMITED = "oauth_rate_limited",
        "Google nos pide esperar; continuaremos automáticamente.",
        "Google asks us to wait; we will continue automatically.";
    /// The token endpoint fails.
    OAUTH_SERVER_ERROR = "oauth_server_error",
        "El inicio de sesión de Google falla en este momento; lo intentaremos de nuevo automáticamente.",
        "Google's sign-in is failing at the moment; we will try again automatically.";
    /// The token endpoint answered something new.
    OAUTH_UNEXPECTED = "oauth_unexpected",
        "Google ha respondido algo inesperado al dar el permiso; nuestro equipo ya lo está revisando.",
        "Google gave an unexpected answer about the permission; our team is looking into it.";
    /// The API refused the access token: refresh once and replay; again means revoked.
    GA4_UNAUTHENTICATED = "ga4_unauthenticated",
        "Google Analytics ya no acepta el permiso que nos dio; un administrador debe volver a conectar la cuenta.",
        "Google Analytics no longer accepts the permission you gave us; an administrator has to connect the account again.";
    /// The Google account may not read the property.
    GA4_PERMISSION = "ga4_permission",
        "La cuenta conectada no puede ver esta propiedad de Google Analytics; pida el rol Lector o elija otra propiedad.",
        "The connected account cannot see this Google Analytics property; ask for the Viewer role or choose another property.";
    /// The token lacks the scope.
    GA4_SCOPE_MISSING = "ga4_scope_missing",
        "Falta el permiso para ver los datos de Google Analytics; conecte de nuevo y deje marcada esa casilla.",
        "The permission to see Google Analytics data is missing; connect again and leave that box ticked.";
    /// The API is not enabled in the operator's project.
    GA4_API_DISABLED = "ga4_api_disabled",
        "El acceso del portal a Google Analytics no está activado; nuestro equipo debe activarlo.",
        "The portal's access to Google Analytics is not switched on; our team has to enable it.";
    /// The property does not exist or its id is malformed.
    GA4_PROPERTY_UNKNOWN = "ga4_property_unknown",
        "Esta propiedad de Google Analytics no existe o ya no está disponible; un administrador debe elegir otra.",
        "This Google Analytics property does not exist or is no longer available; an administrator has to choose another.";
    /// Too many requests at once.
    GA4_QUOTA_CONCURRENT = "ga4_quota_concurrent",
        "Google Analytics atiende demasiadas consultas a la vez; continuaremos automáticamente en unos segundos.",
        "Google Analytics is serving too many requests at once; we will continue automatically in a few seconds.";
    /// The hourly tokens are used up.
    GA4_QUOTA_HOUR = "ga4_quota_hour",
        "Se ha agotado el límite de consultas por hora de Google Analytics; continuaremos automáticamente.",
        "Google Analytics' hourly limit is used up; we will continue automatically.";
    /// Too many requests that may be thresholded.
    GA4_QUOTA_THRESHOLDED = "ga4_quota_thresholded",
        "Google Analytics limita por una hora las consultas con datos demográficos; continuaremos automáticamente.",
        "Google Analytics limits requests with demographic data for an hour; we will continue automatically.";
    /// Google blocks the property after too many server errors.
    GA4_QUOTA_SERVER_ERRORS = "ga4_quota_server_errors",
        "Google Analytics ha tenido demasiados errores y pide una hora de pausa; continuaremos automáticamente.",
        "Google Analytics had too many errors and asks for an hour's pause; we will continue automatically.";
    /// The daily tokens are used up.
    GA4_QUOTA_DAY = "ga4_quota_day",
        "Se ha agotado el límite diario de Google Analytics; continuaremos automáticamente cuando Google lo renueve.",
        "Google Analytics' daily limit is used up; we will continue automatically when Google renews it.";
    /// Another limit.
    GA4_QUOTA = "ga4_quota",
        "Google Analytics nos pide esperar; continuaremos automáticamente.",
        "Google Analytics asks us to wait; we will continue automatically.";
    /// 5xx after all retries of the call. Wait a quarter of an hour: Google blocks after ten an hour.
    GA4_SERVER_ERROR = "ga4_server_error",
        "Google Analytics falla en este momento; lo intentaremos de nuevo automáticamente.",
        "Google Analytics is failing at the moment; we will try again automatically.";
    /// Google refused the request itself.
    GA4_REQUEST_REFUSED = "ga4_request_refused",
        "Google Analytics no ha aceptado nuestra consulta; nuestro equipo ya lo está revisando.",
        "Google Analytics did not accept our request; our team is looking into it.";
    /// A status that this code does not know.
    GA4_UNEXPECTED = "ga4_unexpected",
        "Google Analytics ha respondido algo inesperado; nuestro equipo ya lo está revisando.",
        "Google Analytics gave an unexpected answer; our team is looking into it.";
    /// Headers, dates or numbers of a report are not what was asked for.
    GA4_REPORT_SHAPE = "ga4_report_shape",
        "Google Analytics ha enviado un informe con un formato nuevo; nuestro equipo ya lo está revisando.",
        "Google Analytics sent a report in a new format; our team is looking into it.";
    /// The pages of one report do not fit together because the data moved between them.
    GA4_PAGES_MOVED = "ga4_pages_moved",
        "Los datos han cambiado mientras los leíamos; los leeremos de nuevo automáticamente.",
        "The data changed while we were reading it; we will read it again automatically.";
    /// A report is complete only in its totals: rare values stand together as "(other)".
    GA4_NOTE_FOLDED = "ga4_note_folded",
        "Google ha agrupado valores poco frecuentes en «(other)»; los totales son correctos.",
        "Google folded rare values into \"(other)\"; the totals are right.";
    /// Rows about few people are left out.
    GA4_NOTE_THRESHOLDED = "ga4_note_thresholded",
        "Google ha omitido filas de muy pocas personas para proteger su privacidad; los desgloses pueden quedar cortos.",
        "Google left out rows about very few people to protect their privacy; breakdowns may fall short.";
    /// An estimate from a sample.
    GA4_NOTE_SAMPLED = "ga4_note_sampled",
        "Google ha calculado estas cifras a partir de una muestra; son una estimación.",
        "Google computed these figures from a sample; they are an estimate.";
    /// Zeros that are none: the account may not see the metric.
    GA4_NOTE_RESTRICTED = "ga4_note_restricted",
        "La cuenta conectada no puede ver alguna métrica, así que no se muestra; pida acceso a ingresos y costes en Google Analytics.",
        "The connected account may not see some metric, so it is not shown; ask for access to revenue and cost data in Google Analytics.";
    /// The account's zone or currency was changed at the provider.
    CALENDAR_CHANGED = "calendar_changed",
        "La zona horaria o la moneda de la cuenta ha cambiado en el servicio de origen; volvemos a leer todo el historial, del día más reciente al más antiguo.",
        "The account's time zone or currency was changed at the data provider; we are reading the whole history anew, newest days first.";
    /// The account's zone is none that we know.
    CALENDAR_UNKNOWN = "calendar_unknown",
        "La cuenta tiene una zona horaria que no conocemos; nuestro equipo ya lo está revisando.",
        "The account has a time zone that we do not know; our team is looking into it.";
    /// A key without any permission that we need.
    KEY_READS_NOTHING = "key_reads_nothing",
        "Esta clave no permite leer ningún dato; cree una clave restringida con permiso de lectura y péguela aquí.",
        "This key may not read any data; create a restricted key with read permissions and paste it here.";
    /// A key of another account than the source has read so far.
    KEY_OF_OTHER_ACCOUNT = "key_of_other_account",
        "Esta clave es de otra cuenta; use una clave de la misma cuenta o añada una fuente nueva.",
        "This key belongs to another account; use a key of the same account or add a new source.";
    /// The provider serves nobody at this moment.
    PROVIDER_DOWN = "provider_down",
        "El servicio de origen falla para todos en este momento; continuaremos automáticamente cuando se recupere.",
        "The data provider is failing for everybody at the moment; we will continue automatically when it recovers.";
    /// Our own allowance of requests is used up.
    REQUESTS_SPENT = "requests_spent",
        "Vamos al ritmo que permite el servicio de origen; continuaremos automáticamente.",
        "We are going at the pace that the data provider allows; we will continue automatically.";
    /// A publishable key.
    STRIPE_KEY_PUBLISHABLE = "stripe_key_publishable",
        "Esta es una clave publicable (pk_), que no puede leer datos; cree en Stripe una clave restringida (rk_) y péguela aquí.",
        "This is a publishable key (pk_), which cannot read data; create a restricted key (rk_) in Stripe and paste it here.";
    /// Not the form of a key.
    STRIPE_KEY_FORM = "stripe_key_form",
        "Esto no tiene la forma de una clave de Stripe; copie entera la clave restringida, que empieza por rk_live_ o rk_test_.",
        "This does not look like a Stripe key; copy the whole restricted key, which begins with rk_live_ or rk_test_.";
    /// Stripe does not know the key (any more).
    STRIPE_KEY_REFUSED = "stripe_key_refused",
        "Stripe ya no acepta la clave: se ha borrado o ha caducado; un administrador debe pegar una nueva.",
        "Stripe no longer accepts the key: it was deleted or has expired; an administrator has to paste a new one.";
    /// The key lacks the permission for one part.
    STRIPE_PERMISSION = "stripe_permission",
        "A la clave de Stripe le falta un permiso de lectura; un administrador debe marcarlo en Stripe, y lo demás sigue funcionando.",
        "The Stripe key lacks a permission to read; an administrator has to tick it in Stripe, and everything else keeps working.";
    /// Too many requests.
    STRIPE_RATE_LIMITED = "stripe_rate_limited",
        "Stripe nos pide ir más despacio; continuaremos automáticamente en unos segundos.",
        "Stripe asks us to go slower; we will continue automatically in a few seconds.";
    /// Something else holds the object.
    STRIPE_BUSY = "stripe_busy",
        "Stripe está usando esos datos en este momento; lo intentaremos de nuevo automáticamente.",
        "Stripe is using these data at the moment; we will try again automatically.";
    /// 5xx after all retries of the call.
    STRIPE_SERVER_ERROR = "stripe_server_error",
        "Stripe falla en este momento; lo intentaremos de nuevo automáticamente.",
        "Stripe is failing at the moment; we will try again automatically.";
    /// Stripe refused the request itself.
    STRIPE_REQUEST_REFUSED = "stripe_request_refused",
        "Stripe no ha aceptado nuestra consulta; nuestro equipo ya lo está revisando.",
        "Stripe did not accept our request; our team is looking into it.";
    /// A status that this code does not know.
    STRIPE_UNEXPECTED = "stripe_unexpected",
        "Stripe ha respondido algo inesperado; nuestro equipo ya lo está revisando.",
        "Stripe gave an unexpected answer; our team is looking into it.";
    /// A field has another type than Stripe documents.
    STRIPE_SHAPE = "stripe_shape",
        "Stripe ha enviado datos con un formato nuevo; nuestro equipo ya lo está revisando.",
        "Stripe sent data in a new format; our team is looking into it.";
    /// The pages of a list go in circles.
    STRIPE_PAGES = "stripe_pages",
        "Stripe ha repetido datos en lugar de continuar la lista; nuestro equipo ya lo está revisando.",
        "Stripe repeated data instead of continuing the list; our team is looking into it.";
    /// Test data where real data are due, or the reverse.
    STRIPE_MODE = "stripe_mode",
        "Stripe ha mezclado datos reales y de prueba; hemos parado para no mostrar cifras falsas y nuestro equipo lo está revisando.",
        "Stripe mixed real and test data; we have stopped so as not to show wrong figures, and our team is looking into it.";
    /// The key belongs to another account than the figures.
    STRIPE_OTHER_ACCOUNT = "stripe_other_account",
        "La clave es de otra cuenta de Stripe o del otro modo (real o prueba); pegue una de la misma cuenta o conecte una fuente nueva.",
        "The key belongs to another Stripe account or to the other mode (live or test); paste one of the same account or connect a new source.";
    /// The ledger does not add up to the balance.
    STRIPE_LEDGER_GAP = "stripe_ledger_gap",
        "La suma de los movimientos no coincide con el saldo que indica Stripe; nuestro equipo lo está revisando.",
        "The transactions do not add up to the balance that Stripe states; our team is looking into it.";
    /// Whether the ledger adds up cannot be told.
    STRIPE_BALANCE_UNREADABLE = "stripe_balance_unreadable",
        "No podemos comprobar las cifras con el saldo de Stripe porque la clave no puede leerlo; marque el permiso «Balance».",
        "We cannot check the figures against Stripe's balance because the key may not read it; tick the \"Balance\" permission.";
    /// Transactions of a kind that no metric counts yet.
    STRIPE_CATEGORY_UNKNOWN = "stripe_category_unknown",
        "Hay movimientos de un tipo nuevo en Stripe que todavía no cuentan en ninguna métrica; nuestro equipo lo está revisando.",
        "There are transactions of a new kind in Stripe that count in no metric yet; our team is looking into it.";
    /// A key that can do everything.
    STRIPE_FULL_KEY = "stripe_full_key",
        "La clave secreta (sk_) puede hacer todo en su cuenta, también mover dinero; sustitúyala por una restringida (rk_) de solo lectura.",
        "The secret key (sk_) can do everything in your account, moving money included; replace it with a restricted one (rk_) that can only read.";
    /// The changes of more than 25 days were missed.
    STRIPE_READ_ANEW = "stripe_read_anew",
        "La fuente estuvo demasiado tiempo sin leerse; leemos de nuevo todo lo que pudo cambiar.",
        "The source was not read for too long; we are reading everything anew that may have changed.";
    /// The tenant's plan has no room for more datapoints.
    LIMIT_DATAPOINTS = "limit_datapoints",
        "No caben más datos en su plan; un administrador debe quitar una fuente o ampliar el plan, y entonces seguiremos automáticamente.",
        "Your plan has no room for more data; an administrator has to remove a source or extend the plan, then we will continue automatically.";
}

const UNKNOWN: Bilingual = Bilingual {
    es: "La última actualización ha fallado; nuestro equipo ya lo está revisando.",
    en: "The last update failed; our team is looking into it.",
};

/// The sentence for a failure code, also one that was stored by an older version.
pub fn sentence(code: &str) -> Bilingual {
    TABLE.iter().find(|(known, _)| *known == code).map_or(UNKNOWN, |(_, text)| *text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_code_is_unique_and_has_one_sentence_in_each_language() {
        let codes: BTreeSet<&str> = TABLE.iter().map(|(code, _)| *code).collect();
        assert_eq!(codes.len(), TABLE.len());
        for (code, text) in TABLE {
            for sentence in [text.es, text.en] {
                assert!(sentence.ends_with('.') && sentence.len() > 30, "{code}: {sentence}");
            }
            assert_ne!(text.es, text.en, "{code}");
        }
    }

    #[test]
    fn a_code_of_another_version_still_has_a_sentence() {
        assert_eq!(sentence("ga4_retired_code"), UNKNOWN);
        assert!(sentence(codes::GA4_QUOTA_DAY).en.contains("daily limit"));
    }
}

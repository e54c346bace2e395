//! The fields of the answers: the same as a real 26.7.3 gave for the same requests.

use super::*;

/// Path, status, and every field of the answer or of the entries of a list, as measured.
#[rustfmt::skip]
const MEASURED: &[(&str, u16, &str)] = &[
    ("/clients/{sales}", 200, "access alwaysDisplayInConsole attributes authenticationFlowBindingOverrides bearerOnly clientAuthenticatorType clientId consentRequired defaultClientScopes description directAccessGrantsEnabled enabled frontchannelLogout fullScopeAllowed id implicitFlowEnabled name nodeReRegistrationTimeout notBefore optionalClientScopes protocol publicClient redirectUris secret serviceAccountsEnabled standardFlowEnabled surrogateAuthRequired webOrigins"),
    ("/clients/{portal}", 200, "access alwaysDisplayInConsole attributes authenticationFlowBindingOverrides bearerOnly clientAuthenticatorType clientId consentRequired defaultClientScopes directAccessGrantsEnabled enabled frontchannelLogout fullScopeAllowed id implicitFlowEnabled name nodeReRegistrationTimeout notBefore optionalClientScopes protocol publicClient redirectUris serviceAccountsEnabled standardFlowEnabled surrogateAuthRequired webOrigins"),
    ("/clients/{helpdesk}/default-client-scopes", 200, "id name"),
    ("/clients/{helpdesk}/user-sessions", 200, "clients id ipAddress lastAccess rememberMe start transientUser userId username"),
    ("/clients/{helpdesk}/offline-sessions", 200, "clients id ipAddress lastAccess rememberMe start transientUser userId username"),
    ("/clients/{helpdesk}/session-count", 200, "count"),
    ("/client-session-stats", 200, "active clientId id offline"),
    ("/client-scopes", 200, "attributes id name protocol protocolMappers"),
    ("/clients/{sales}/client-secret", 200, "type value"),
    ("/clients/{sales}/client-secret/rotated", 200, "type value"),
    ("/clients-initial-access", 200, "count expiration id remainingCount timestamp"),
    ("/users/{alice}", 200, "access createdTimestamp disableableCredentialTypes email emailVerified enabled federatedIdentities firstName id lastName notBefore requiredActions totp username"),
    ("/users", 200, "access createdTimestamp disableableCredentialTypes email emailVerified enabled firstName id lastName notBefore requiredActions totp username"),
    ("/clients/{sales}/service-account-user", 200, "createdTimestamp disableableCredentialTypes emailVerified enabled id notBefore requiredActions totp username"),
    ("/users/{staging}/role-mappings", 200, "clientMappings realmMappings"),
    ("/users/{staging}/role-mappings/realm/composite", 200, "clientRole composite containerId description id name"),
    ("/users/{staging}/role-mappings/clients/{management}/composite", 200, "clientRole composite containerId description id name"),
    ("/users/{carol}/consents", 200, "additionalGrants clientId createdDate grantedClientScopes lastUpdatedDate"),
    ("/users/{alice}/federated-identity", 200, "identityProvider userId userName"),
    ("/users/{alice}/sessions", 200, "clients id ipAddress lastAccess rememberMe start transientUser userId username"),
    ("/events?type=CLIENT_LOGIN", 200, "clientId details id ipAddress realmId time type userId"),
    ("/events?type=LOGIN", 200, "clientId details id ipAddress realmId sessionId time type userId"),
    ("/events/config", 200, "adminEventsDetailsEnabled adminEventsEnabled enabledEventTypes eventsEnabled eventsExpiration eventsListeners"),
    ("/admin-events", 200, "authDetails id operationType realmId representation resourcePath resourceType time"),
    ("/identity-provider/instances", 200, "alias config displayName enabled internalId providerId types"),
    ("/clients/00000000-0000-0000-0000-000000000000", 404, "error"),
];

fn fields(answer: &Value) -> BTreeSet<String> {
    let entries = answer.as_array().cloned().unwrap_or_else(|| vec![answer.clone()]);
    let keys = |entry: &Value| entry.as_object().map(|object| object.keys().cloned().collect::<Vec<_>>());
    entries.iter().filter_map(keys).flatten().collect()
}

#[tokio::test(start_paused = true)]
async fn answers_have_the_measured_fields() {
    let scene = Scene::new(true);
    let client = |name| scene.sim.client_uuid(name).unwrap();
    let user = |name| scene.sim.user_id(name).unwrap();
    let names = [
        ("{helpdesk}", client("bot-helpdesk")),
        ("{sales}", client("bot-sales")),
        ("{portal}", client("portal-web")),
        ("{management}", client("realm-management")),
        ("{staging}", user("service-account-bot-engineering-staging")),
        ("{alice}", user("alice")),
        ("{carol}", user("carol")),
    ];
    for (path, status, expected) in MEASURED {
        let path = names.iter().fold((*path).to_owned(), |path, (name, id)| path.replace(name, id));
        let (found, answer) = scene.admin("GET", &path, &Value::Null);
        assert_eq!(found, *status, "{path}");
        let expected: BTreeSet<String> = expected.split(' ').map(str::to_owned).collect();
        assert_eq!(fields(&answer), expected, "{path}");
    }
}

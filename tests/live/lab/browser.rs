//! A user at the login and consent pages.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use reqwest::Url;

use super::oidc::{Login, Oidc};

/// A user and the password typed at the login page.
#[derive(Clone, Debug)]
pub struct User {
    pub id: String,
    pub name: String,
    pub password: String,
}

/// Access and refresh token of a user, held by a client.
#[derive(Clone)]
pub struct UserTokens {
    pub access: String,
    pub refresh: String,
}

/// Logs the user in at the client's page, agrees to what it asks, and trades the code for tokens.
pub async fn grant(oidc: &Oidc, client: &Login, user: &User, redirect_uri: &str, scope: &str) -> Result<UserTokens> {
    let code = authorize(oidc, client.client_id(), user, redirect_uri, scope).await?;
    let answer = oidc.code(client, &code, redirect_uri).await?.ok()?;
    let field = |name: &str| {
        let text = answer[name].as_str().map(str::to_owned);
        text.with_context(|| format!("no {name} for {}", user.name))
    };
    Ok(UserTokens { access: field("access_token")?, refresh: field("refresh_token")? })
}

/// Login and consent up to the authorization code.
pub async fn authorize(oidc: &Oidc, client_id: &str, user: &User, redirect_uri: &str, scope: &str) -> Result<String> {
    let mut start = Url::parse(&format!("{}/protocol/openid-connect/auth", oidc.issuer))?;
    start.query_pairs_mut().extend_pairs([
        ("response_type", "code"),
        ("client_id", client_id),
        ("redirect_uri", redirect_uri),
        ("scope", scope),
        ("state", "s"),
    ]);
    let mut browser = Browser { http: oidc.http.clone(), cookies: BTreeMap::new() };
    let mut page = browser.go(browser.http.get(start)).await?;
    for _ in 0..8 {
        let request = match &page {
            Page::Redirect(to) if to.starts_with(redirect_uri) => return code_of(to),
            Page::Redirect(to) => browser.http.get(to),
            Page::Form { action, html } if html.contains("name=\"password\"") => {
                browser.http.post(action.clone()).form(&[("username", &user.name), ("password", &user.password)])
            }
            Page::Form { action, html } if html.contains("name=\"accept\"") => {
                browser.http.post(action.clone()).form(&[("accept", "Yes")])
            }
            Page::Form { .. } => bail!("a page that is neither login nor consent"),
        };
        page = browser.go(request).await?;
    }
    bail!("no authorization code after eight pages")
}

enum Page {
    Redirect(String),
    Form { action: Url, html: String },
}

/// Cookies of one server. They are marked `Secure`, and sent over plain loopback all the same, as browsers do.
struct Browser {
    http: reqwest::Client,
    cookies: BTreeMap<String, String>,
}

impl Browser {
    async fn go(&mut self, request: reqwest::RequestBuilder) -> Result<Page> {
        let jar: Vec<String> = self.cookies.iter().map(|(k, v)| format!("{k}={v}")).collect();
        let response = request.header("cookie", jar.join("; ")).send().await?;
        for value in response.headers().get_all("set-cookie") {
            let pair = value.to_str()?.split(';').next().unwrap_or_default();
            if let Some((name, value)) = pair.split_once('=') {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        if let Some(to) = response.headers().get("location") {
            return Ok(Page::Redirect(to.to_str()?.to_owned()));
        }
        let (status, at) = (response.status(), response.url().clone());
        let html = response.text().await?;
        let action = between(&html, "action=\"", "\"").with_context(|| format!("a page without a form ({status})"))?;
        Ok(Page::Form { action: at.join(&action.replace("&amp;", "&"))?, html })
    }
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(found, _)| found)
}

fn code_of(redirect: &str) -> Result<String> {
    let url = Url::parse(redirect)?;
    let code = url.query_pairs().find(|(name, _)| name == "code");
    code.map(|(_, value)| value.into_owned()).context("a redirect without a code")
}

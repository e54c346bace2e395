//! Tokens of services and tools.

use super::{
    super::rule::{Edges, Rule, rule},
    read,
};
use crate::domain::Confidence::{Checksum, Length, Prefix, Shape};

const NEVER_EXCHANGE: &str = "a refresh token: using it makes new tokens and may end this one";
const ADMIN: &str = "an administrator's key: it can make other keys";

/// The rules.
#[rustfmt::skip]
pub(super) const RULES: &[Rule] = &[
    rule("gh-pat", "GitHub classic personal access token", "github", "ghp_[0-9A-Za-z]{36}", Length).read(read::github),
    rule("gh-fgpat", "GitHub fine-grained personal access token", "github",
        "github_pat_[0-9A-Za-z]{22}_[0-9A-Za-z]{59}", Length).read(read::hashed),
    rule("gh-oauth", "GitHub OAuth app token", "github", "gho_[0-9A-Za-z]{36}", Length).read(read::github),
    rule("gh-u2s", "GitHub user-to-server token", "github", "ghu_[0-9A-Za-z]{36}", Length).read(read::github),
    rule("gh-s2s-old", "GitHub installation token", "github", "ghs_[0-9A-Za-z]{36}", Length).read(read::github),
    rule("gh-s2s-new", "GitHub installation token", "github",
        r"ghs_[0-9A-Za-z_-]+\.[0-9A-Za-z_-]+\.[0-9A-Za-z_-]+", Length).read(read::github_app),
    rule("gh-refresh", "GitHub refresh token", "github", "ghr_[0-9A-Za-z]{36,}", Length)
        .caution(NEVER_EXCHANGE).read(read::github),
    rule("gl-pat", "GitLab access token", "gitlab", "glpat-[0-9A-Za-z_-]{20}", Length),
    rule("gl-pat-routable", "GitLab routable access token", "gitlab",
        r"glpat-[0-9A-Za-z_-]{27,300}(?:\.[0-9a-z]{2})?\.[0-9a-z]{9}", Length).read(read::gitlab),
    rule("gl-deploy", "GitLab deploy token", "gitlab", "gldt-[0-9A-Za-z_-]{20}", Length),
    rule("gl-other-runner", "GitLab runner token", "gitlab", "glrtr?-[0-9A-Za-z_.-]{16,}", Prefix),
    rule("gl-other-trigger", "GitLab pipeline trigger token", "gitlab", "glptt-[0-9a-f]{40}", Length),
    rule("gl-other-agent", "GitLab agent token", "gitlab", "glagent-[0-9A-Za-z_-]{50}", Length),
    rule("gl-other-oauth", "GitLab OAuth application secret", "gitlab", "gloas-[0-9A-Za-z_-]{64}", Length),
    rule("gl-other-job", "GitLab job token", "gitlab", "glcbt-[0-9A-Za-z_.-]{16,}", Prefix),
    rule("gl-other-scim", "GitLab SCIM token", "gitlab", "glsoat-[0-9A-Za-z_-]{16,}", Prefix),
    rule("gl-other-feed", "GitLab feed token", "gitlab", "glft-[0-9A-Za-z_-]{16,}", Prefix),
    rule("gl-other-mail", "GitLab incoming mail token", "gitlab", "glimt-[0-9A-Za-z_-]{16,}", Prefix),
    rule("gl-other-flags", "GitLab feature flags client token", "gitlab", "glffct-[0-9A-Za-z_-]{16,}", Prefix),
    rule("gl-other-workspace", "GitLab workspace token", "gitlab", "glwt-[0-9A-Za-z_-]{16,}", Prefix),
    rule("gl-custom", "GitLab access token with a prefix of its own", "gitlab",
        "[a-z][a-z0-9_]{1,19}-[0-9A-Za-z_-]{20}", Shape).near(&["gitlab", "private-token"]).read(read::mixed),
    rule("sl-bot", "Slack bot token", "slack", "xoxb-[0-9]{10,13}-[0-9]{10,13}-?[0-9A-Za-z-]*", Length)
        .read(read::slack),
    rule("sl-user", "Slack user token", "slack", "xox[pe](?:-[0-9]{10,13}){3}-[0-9A-Za-z-]{28,34}", Length)
        .read(read::slack),
    rule("sl-app", "Slack app-level token", "slack", "xapp-[0-9]-[A-Z0-9]+-[0-9]+-[0-9a-z]+", Length)
        .read(read::slack_app),
    rule("sl-cfg", "Slack configuration token", "slack",
        r"xoxe\.xox[bp]-[0-9]-[0-9A-Za-z]{160,170}|xoxe-[0-9]-[0-9A-Za-z]{140,150}", Length).caution(NEVER_EXCHANGE),
    rule("sl-legacy", "Slack legacy token", "slack",
        "xox[os]-[0-9]+-[0-9]+-[0-9]+-[0-9a-fA-F]+|xox[ar]-(?:[0-9]-)?[0-9A-Za-z]{8,48}", Prefix),
    rule("sl-hook", "Slack incoming webhook", "slack",
        r"hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9+/]{43,56}", Length)
        .caution("whoever sends to it posts a message that people see").read(read::slack_hook),
    rule("oa-proj", "OpenAI project key", "openai",
        "sk-proj-(?:[A-Za-z0-9_-]{74}T3BlbkFJ[A-Za-z0-9_-]{74}|[A-Za-z0-9_-]{58}T3BlbkFJ[A-Za-z0-9_-]{58})", Length),
    rule("oa-svc", "OpenAI service account key", "openai",
        "sk-svcacct-(?:[A-Za-z0-9_-]{74}T3BlbkFJ[A-Za-z0-9_-]{74}|[A-Za-z0-9_-]{58}T3BlbkFJ[A-Za-z0-9_-]{58})", Length),
    rule("oa-admin", "OpenAI admin key", "openai", "sk-admin-[A-Za-z0-9_-]{58}T3BlbkFJ[A-Za-z0-9_-]{58}", Length)
        .caution(ADMIN),
    rule("oa-legacy", "OpenAI user key", "openai", "sk-[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}", Length),
    rule("an-api", "Anthropic API key", "anthropic", "sk-ant-api03-[A-Za-z0-9_-]{93}AA", Length),
    rule("an-admin", "Anthropic admin key", "anthropic", "sk-ant-admin01-[A-Za-z0-9_-]{93}AA", Length).caution(ADMIN),
    rule("an-oauth", "Anthropic OAuth token", "anthropic", "sk-ant-o[ar]t[0-9]{0,2}-?[A-Za-z0-9_-]{16,}", Prefix),
    rule("at-token", "Atlassian API token", "atlassian", "ATATT[A-Za-z0-9+/=_-]+=[A-Za-z0-9]{8}", Prefix),
    rule("at-org", "Atlassian organization key", "atlassian", "ATCTT3xFfG[A-Za-z0-9+/=_-]+=[0-9A-Za-z]{8}", Prefix)
        .caution(ADMIN),
    rule("hf", "Hugging Face token", "huggingface", "(?:hf|api_org)_[A-Za-z]{34}", Length),
    rule("ls", "LangSmith API key", "langsmith", "lsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}", Length)
        .read(read::langsmith),
    rule("pc", "Pinecone API key", "pinecone", "pcsk_[A-Za-z0-9]{5,6}_[A-Za-z0-9]{63}", Length).read(read::pinecone),
    rule("sf-token", "Salesforce access token", "salesforce", "00[A-Za-z0-9]{13}![A-Za-z0-9_.]{96,}", Length)
        .read(read::salesforce),
    rule("sf-consumer", "Salesforce consumer key", "salesforce", "3MVG9[0-9A-Za-z._]{80,251}", Length)
        .caution("the name of a connected app: its secret is another string"),
    rule("zd-oauth", "Zendesk OAuth token", "zendesk", "[0-9a-f]{64}", Shape).near(&["zendesk"]).edges(Edges::Opaque)
        .read(read::zendesk),
    rule("zd-api", "Zendesk API token", "zendesk", "[A-Za-z0-9]{40}", Shape).near(&["zendesk"]).edges(Edges::Opaque)
        .caution("works for the whole account, as any of its users").read(read::mixed),
    rule("vault", "Vault service token", "vault", r"hvs\.[A-Za-z0-9_-]{24,130}", Length)
        .caution("a look-up takes one use of a token whose uses are limited"),
    rule("vault-old", "Vault service token of the old form", "vault", r"s\.[A-Za-z0-9]{24}", Shape)
        .near(&["vault"]).or_alone().edges(Edges::Opaque),
    rule("vault-batch", "Vault batch token", "vault", r"hvb\.[A-Za-z0-9_-]{138,300}", Length)
        .caution("it cannot be revoked: disable its entity and wait for its end"),
    rule("vault-rec", "Vault recovery token", "vault", r"hvr\.[A-Za-z0-9_-]{24,300}", Length),
    rule("vault-rec-old", "Vault recovery token of the old form", "vault", r"r\.[A-Za-z0-9]{24}", Shape)
        .near(&["vault"]).edges(Edges::Opaque),
    rule("approle", "Vault AppRole secret id", "vault",
        "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", Shape)
        .near(&["secret_id", "secret-id", "approle"]).edges(Edges::Opaque),
    rule("syt", "Synapse access token", "matrix", "syt_[A-Za-z0-9+/]+_[A-Za-z]{20}_[0-9A-Za-z]{6}", Length)
        .caution("a look-up changes when its device was last seen").read(read::synapse),
    rule("syr", "Synapse refresh token", "matrix", "syr_[A-Za-z0-9+/]+_[A-Za-z]{20}_[0-9A-Za-z]{6}", Length)
        .caution(NEVER_EXCHANGE).read(read::synapse),
    rule("syl", "Synapse login token", "matrix", "syl_[A-Za-z]{20}_[0-9A-Za-z]{6}", Length)
        .caution("using it makes a session and ends it").read(read::synapse),
    rule("mas", "Matrix Authentication Service token", "mas", "m(?:at|ar|ct|pt)_[0-9A-Za-z]{16,}(?:_[0-9A-Za-z]{6})?",
        Prefix),
    rule("npm", "npm access token", "npm", "npm_[0-9A-Za-z]{36}", Length).read(read::npm),
    rule("npm-like", "token with a checksum of GitHub's form", "", "[a-z]{2,12}_[0-9A-Za-z]{36}", Checksum)
        .read(read::like_npm),
    rule("stripe", "Stripe secret key", "stripe", "[sr]k_(?:live|test)_[0-9A-Za-z]{16,}", Prefix),
    rule("stripe-hook", "Stripe webhook secret", "stripe", "whsec_[0-9A-Za-z+/=]{32,}", Prefix),
];

package arch_test

import (
	"fmt"
	"slices"
	"strings"

	"onebook/infra/local/template"
)

// policies answers the statements of every policy of the deployment, by what they stand in.
func (d *deployment) policies() map[string][]template.Statement {
	out := map[string][]template.Statement{}
	for _, r := range d.Resources() {
		for _, key := range []string{"PolicyDocument", "AssumeRolePolicyDocument", "KeyPolicy"} {
			if p := props(r.Properties, key); p != nil {
				out[r.Name()] = append(out[r.Name()], template.Statements(p)...)
			}
		}
		if r.Type == "AWS::IAM::Role" {
			out[r.Name()] = append(out[r.Name()], template.RolePolicy(r)...)
		}
	}
	for _, f := range d.Functions() {
		out[f.LogicalID] = append(out[f.LogicalID], f.Policy...)
	}
	return out
}

func wildcardLaw(d *deployment) (out []string) {
	for where, statements := range d.policies() {
		for _, s := range statements {
			for _, a := range s.Actions {
				if s.Effect == "Allow" && strings.ContainsAny(a, "*?") {
					say(&out, "%s allows %s: name the actions", where, a)
				}
			}
			if s.Effect == "Allow" && len(s.Actions) == 0 {
				say(&out, "%s allows something without naming actions", where)
			}
		}
	}
	return out
}

// resourceLaw: a right of a role is on one thing of this deployment, or on all below a prefix of it.
func resourceLaw(d *deployment) (out []string) {
	for _, r := range d.OfType("AWS::IAM::Role") {
		for _, s := range template.RolePolicy(r) {
			for _, x := range s.Resources {
				own, _, _ := strings.Cut(x, "/")
				own = strings.TrimSuffix(own, ".StreamArn")
				known := strings.HasPrefix(x, "arn:aws:ses:") && !strings.HasSuffix(x, "*")
				if _, ok := d.Resource(own); ok {
					known = true
				}
				for _, p := range d.Parameters() {
					known = known || p.Stack == "" && p.Name == x && strings.Contains(p.Pattern, "^arn:")
				}
				if !known {
					say(&out, "%s: %s is on %q, which is nothing of this deployment", r.Name(), s.Sid, x)
				}
				if rest := strings.TrimSuffix(x, "/*"); strings.Contains(rest, "*") {
					say(&out, "%s: %s is on %q: a * stands only at the end, behind a slash", r.Name(), s.Sid, x)
				}
			}
			if s.Effect == "Allow" && len(s.Resources) == 0 {
				say(&out, "%s: %s names no resource", r.Name(), s.Sid)
			}
		}
	}
	return out
}

func roleLaw(d *deployment) (out []string) {
	owner := map[string]string{}
	for _, f := range d.Functions() {
		switch {
		case f.Role == "":
			say(&out, "%s has no role of its own, so SAM would make one with rights to everything", f.LogicalID)
			continue
		case owner[f.Role] != "":
			say(&out, "%s and %s share %s", owner[f.Role], f.LogicalID, f.Role)
		}
		owner[f.Role] = f.LogicalID
		r, _ := d.Resource(f.Role)
		if r.Properties["ManagedPolicyArns"] != nil {
			say(&out, "%s has a managed policy; write its rights out", f.Role)
		}
		trust := template.Statements(props(r.Properties, "AssumeRolePolicyDocument"))
		if len(trust) != 1 || !slices.Equal(trust[0].Principals, []string{"Service:lambda.amazonaws.com"}) {
			say(&out, "%s can be taken by others than Lambda", f.Role)
		}
		if len(f.Written) > 0 && f.Log == "" {
			say(&out, "%s writes to a log group that nobody keeps in order", f.LogicalID)
		}
	}
	return out
}

// chainLaw: entries of a chain are made and never touched again, so every role on the table is denied the rest.
func chainLaw(d *deployment) (out []string) {
	for _, r := range d.OfType("AWS::IAM::Role") {
		denied, writes := map[string]bool{}, false
		for _, s := range template.RolePolicy(r) {
			if !slices.Contains(s.Resources, "Data.Table") {
				continue
			}
			keys := s.Conditions["ForAnyValue:StringLike"]["dynamodb:LeadingKeys"]
			if s.Effect == "Deny" && slices.Contains(keys, "A#*") && len(s.Conditions) == 1 && len(s.Conditions["ForAnyValue:StringLike"]) == 1 {
				for _, a := range s.Actions {
					denied[a] = true
				}
			}
			writes = writes || s.Effect == "Allow"
		}
		for _, a := range []string{"dynamodb:UpdateItem", "dynamodb:DeleteItem"} {
			if writes && !denied[a] {
				say(&out, "%s is not denied %s on A#*", r.Name(), a)
			}
		}
	}
	return out
}

// grants are the values that are worth nothing without a right, and rights that need the value.
var grants = []struct{ env, action string }{
	{"TABLE", "dynamodb:GetItem"}, {"LINK_KEY_SECRET", "secretsmanager:GetSecretValue"}, {"STRIPE_SECRET", "secretsmanager:GetSecretValue"},
	{"STRIPE_WEBHOOK_SECRET", "secretsmanager:GetSecretValue"}, {"MAIL_FROM", "ses:SendEmail"}, {"CONFIG_SET", "ses:SendEmail"},
	{"USER_POOL_ID", "cognito-idp:AdminCreateUser"},
}

func grantLaw(d *deployment) (out []string) {
	for _, f := range d.Functions() {
		granted := map[string]bool{} // action, and action on resource
		for _, s := range f.Policy {
			for _, a := range s.Actions {
				for _, r := range s.Resources {
					granted[a] = granted[a] || s.Effect == "Allow"
					granted[a+" "+r] = s.Effect == "Allow"
				}
			}
		}
		wanted := map[string]bool{}
		for _, g := range grants {
			value, has := f.Env[g.env]
			key := g.action
			if g.action == "secretsmanager:GetSecretValue" {
				key += " " + value
			}
			wanted[key] = wanted[key] || has
			if has && !granted[key] {
				say(&out, "%s is given %s and may not use it (%s)", f.LogicalID, g.env, key)
			}
		}
		for key, ok := range granted {
			action, on, _ := strings.Cut(key, " ")
			isSecret := action == "secretsmanager:GetSecretValue"
			if ok && isSecret == (on != "") && slices.ContainsFunc(grants, func(g struct{ env, action string }) bool { return g.action == action }) && !wanted[key] {
				say(&out, "%s may %s and is given no value for it", f.LogicalID, key)
			}
		}
		if _, has := f.Env["BUCKET"]; has != (granted["s3:GetObject"]) {
			say(&out, "%s: BUCKET and the rights on documents do not agree", f.LogicalID)
		}
	}
	if f, ok := d.Function("portal"); ok && f.Env["STRIPE_SECRET"] != "StripePortalKeySecret" {
		say(&out, "the portal's key is %s; it must be the restricted one", f.Env["STRIPE_SECRET"])
	}
	return out
}

// public lists the routes that anybody may call. Each checks a link, a ref or a signature itself, or tells nothing.
var public = []string{
	"GET /v1/openapi.json",
	"POST /v1/public/open",
	"GET /v1/public/documents/{ref}",
	"POST /v1/public/documents/{ref}/view",
	"POST /v1/public/documents/{ref}/accept",
	"POST /v1/public/documents/{ref}/totals",
	"POST /v1/public/documents/{ref}/decline",
	"POST /v1/public/documents/{ref}/checkout",
	"GET /v1/public/documents/{ref}/pdf",
	"POST /v1/public/links/renew",
	"POST /v1/public/inquiries/{slug}",
	"GET /v1/public/return",
	"POST /hooks/stripe",
}

func routeLaw(d *deployment) (out []string) {
	api, err := d.API()
	if err != nil {
		return []string{err.Error()}
	}
	if api.Authorizer == "" {
		say(&out, "the API has no default authorizer: a route that says nothing would be open")
	}
	authorizers := props(mustResource(d, api.LogicalID).Properties, "Auth", "Authorizers")
	jwt := props(authorizers, api.Authorizer, "JwtConfiguration")
	if len(items(jwt["audience"])) != 1 || jwt["issuer"] == nil {
		say(&out, "the authorizer %q names no issuer or not exactly one audience", api.Authorizer)
	}
	served := map[string]string{}
	for _, f := range d.Functions() {
		for _, r := range f.Routes {
			if by := served[r.Key()]; by != "" {
				say(&out, "%s is served by %s and by %s", r.Key(), by, f.LogicalID)
			}
			served[r.Key()] = f.LogicalID
			if !r.Auth && !slices.Contains(public, r.Key()) {
				say(&out, "%s has no authorizer and is not on the public list", r.Key())
			}
			if r.Auth && slices.Contains(public, r.Key()) {
				say(&out, "%s is on the public list and has an authorizer", r.Key())
			}
			if strings.Contains(r.Path, "+}") || r.Method == "ANY" || r.Method == "*" {
				say(&out, "%s takes more than one call", r.Key())
			}
			if !r.Auth && f.Env["USER_POOL_CLIENT_ID"] == "" && strings.HasPrefix(r.Path, "/v1/") && !strings.HasPrefix(r.Path, "/v1/public/") {
				say(&out, "%s is public and served by a door without members", r.Key())
			}
			if r.Auth && (f.Env["ISSUER"] == "" || f.Env["USER_POOL_CLIENT_ID"] == "") {
				say(&out, "%s checks tokens again, and %s is not told whose", r.Key(), f.LogicalID)
			}
		}
	}
	for _, p := range public {
		if served[p] == "" {
			say(&out, "%s is on the public list and nobody serves it", p)
		}
	}
	for key := range api.Throttled {
		if key != "" && served[key] == "" {
			say(&out, "%s is throttled and nobody serves it", key)
		}
	}
	if api.Throttled[""].Rate <= 0 {
		say(&out, "the API is not throttled")
	}
	if api.CORS != nil && (slices.Contains(api.CORS.AllowOrigins, "*") || len(api.CORS.AllowOrigins) != 1) {
		say(&out, "CORS lets in %v; it is the site alone", api.CORS.AllowOrigins)
	}
	return out
}

func mustResource(d *deployment, name string) template.Resource {
	r, ok := d.Resource(name)
	if !ok {
		panic(fmt.Sprintf("the template has no %s", name))
	}
	return r
}

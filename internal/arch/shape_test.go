package arch_test

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"onebook/infra/local/template"
)

// given are the values that functions are given.
var given = []string{
	"TABLE", "BUCKET", "SITE_URL", "LINK_KEY_SECRET", "STRIPE_SECRET", "STRIPE_WEBHOOK_SECRET", "STRIPE_LIVE", "MAIL_FROM", "CONFIG_SET", "REPLY_DOMAIN",
	"USER_POOL_ID", "USER_POOL_CLIENT_ID", "ISSUER", "EFFECTS", "LOG_LEVEL",
}

var (
	secretName  = regexp.MustCompile(`(?i)(secret|password|token|api_?key|private_?key|link_?key|credential)`)
	secretValue = regexp.MustCompile(`(sk|rk|pk)_(live|test)_|whsec_|AKIA[0-9A-Z]{12}|-----BEGIN|eyJ[A-Za-z0-9_-]{10}|[A-Za-z0-9+/]{40,}`)
)

// secretLaw: a function is given the name of a secret, never the secret; and no parameter brings one along.
func secretLaw(d *deployment) (out []string) {
	for _, f := range d.Functions() {
		for name, written := range f.Written {
			literal, isLiteral := written.(string)
			value := f.Env[name]
			switch {
			case isLiteral && (secretName.MatchString(name) || secretValue.MatchString(literal)):
				say(&out, "%s: %s holds a secret", f.LogicalID, name)
			case secretValue.MatchString(value):
				say(&out, "%s: %s comes to a secret", f.LogicalID, name)
			case secretName.MatchString(name):
				r, _ := d.Resource(value)
				pointed := r.Type == "AWS::SecretsManager::Secret"
				for _, p := range d.Parameters() {
					pointed = pointed || p.Stack == "" && p.Name == value && strings.Contains(p.Pattern, ":secretsmanager:")
				}
				if !pointed {
					say(&out, "%s: %s is not the name of a secret in Secrets Manager", f.LogicalID, name)
				}
			}
			if !slices.Contains(given, name) {
				say(&out, "%s: %s is a value that nobody knows", f.LogicalID, name)
			}
		}
	}
	for _, p := range d.Parameters() {
		if p.Default != nil && *p.Default != "" && (secretName.MatchString(p.Name) || secretValue.MatchString(*p.Default)) {
			say(&out, "the parameter %s has a default, and that would be a secret", p.Name)
		}
	}
	return out
}

func cycleLaw(d *deployment) (out []string) {
	next := map[string][]string{}
	for _, e := range d.Edges() {
		next[e.From] = append(next[e.From], e.To)
	}
	const white, grey, black = 0, 1, 2
	state := map[string]int{}
	var way []string
	var visit func(string)
	visit = func(n string) {
		state[n] = grey
		way = append(way, n)
		for _, to := range next[n] {
			switch state[to] {
			case white:
				visit(to)
			case grey:
				say(&out, "a cycle: %s → %s", strings.Join(way[slices.Index(way, to):], " → "), to)
			}
		}
		way = way[:len(way)-1]
		state[n] = black
	}
	for _, e := range d.Edges() {
		if state[e.From] == white {
			visit(e.From)
		}
	}
	return out
}

func functionLaw(d *deployment) (out []string) {
	for _, f := range d.Functions() {
		bad := func(format string, args ...any) { say(&out, f.LogicalID+": "+format, args...) }
		if f.Runtime != "provided.al2023" || f.Handler != "bootstrap" || !slices.Equal(f.Architectures, []string{"arm64"}) {
			bad("runs as %s %s on %v", f.Runtime, f.Handler, f.Architectures)
		}
		most := 120 * time.Second
		api := slices.ContainsFunc(f.Routes, func(r template.Route) bool { return strings.HasPrefix(r.Path, "/v1/") })
		switch {
		case api:
			most = 10 * time.Second
		case len(f.Routes) > 0 || len(f.Topics) > 0:
			most = 30 * time.Second
		case len(f.Streams) > 0:
			most = 60 * time.Second
		}
		if f.Timeout <= 0 || f.Timeout > most {
			bad("may take %v, not at most %v", f.Timeout, most)
		}
		if log, ok := d.Resource(f.Log); !ok || log.Properties["RetentionInDays"] == nil {
			bad("its log is kept for ever")
		}
		r := mustResource(d, f.LogicalID)
		if r.Properties["ReservedConcurrentExecutions"] != nil {
			bad("concurrency is reserved by default, which a new account cannot do")
		}
	}
	doors, _ := fs.Glob(d.files, "functions/*/main.go")
	if len(doors) == 0 {
		return out // before the first function is written
	}
	for _, f := range d.Functions() {
		if !slices.Contains(doors, "functions/"+f.Name+"/main.go") {
			say(&out, "%s has no functions/%s/main.go", f.LogicalID, f.Name)
		}
	}
	for _, door := range doors {
		if _, ok := d.Function(path.Base(path.Dir(door))); !ok {
			say(&out, "%s is deployed by nobody", door)
		}
	}
	return out
}

func runbookLaw(d *deployment) (out []string) {
	pages, _ := fs.Glob(d.files, "infra/runbooks/*.md")
	for _, a := range d.OfType("AWS::CloudWatch::Alarm") {
		page := "infra/runbooks/" + a.LogicalID + ".md"
		text, err := fs.ReadFile(d.files, page)
		if err != nil {
			say(&out, "%s has no page %s", a.LogicalID, page)
		} else if len(strings.Fields(string(text))) < 40 {
			say(&out, "%s says nothing that helps at night", page)
		}
		if fmt.Sprint(a.Properties["AlarmName"]) != "onebook-"+a.LogicalID {
			say(&out, "%s is named %v, so its page is not found", a.LogicalID, a.Properties["AlarmName"])
		}
		if !strings.HasSuffix(fmt.Sprint(a.Properties["AlarmDescription"]), "See "+page) {
			say(&out, "%s does not name its page", a.LogicalID)
		}
	}
	for _, page := range pages {
		id := strings.TrimSuffix(path.Base(page), ".md")
		if r, ok := d.Resource("Alarms." + id); !ok || r.Type != "AWS::CloudWatch::Alarm" {
			say(&out, "%s is the page of no alarm", page)
		}
	}
	return out
}

// kindOf says what a dimension's value must be a name of.
var kindOf = map[string]struct{ namespace, typ, suffix string }{
	"FunctionName": {"AWS/Lambda", "AWS::Serverless::Function", ""},
	"QueueName":    {"AWS/SQS", "AWS::SQS::Queue", ".QueueName"},
	"TopicName":    {"AWS/SNS", "AWS::SNS::Topic", ".TopicName"},
	"ApiId":        {"AWS/ApiGateway", "AWS::Serverless::HttpApi", ""},
}

// withoutDimension are metrics of the account that have none.
var withoutDimension = []string{"AWS/SES Send", "AWS/SES Reputation.BounceRate", "AWS/SES Reputation.ComplaintRate"}

// alarmLaw: an alarm on something that does not exist is green for ever.
func alarmLaw(d *deployment) (out []string) {
	made := map[string]bool{} // metrics that filters make of logs
	for _, f := range d.OfType("AWS::Logs::MetricFilter") {
		if r, ok := d.Resource(fmt.Sprint(f.Properties["LogGroupName"])); !ok || r.Type != "AWS::Logs::LogGroup" {
			say(&out, "%s reads the log %v, which nobody writes", f.LogicalID, f.Properties["LogGroupName"])
		}
		for _, x := range items(f.Properties["MetricTransformations"]) {
			m, _ := x.(map[string]any)
			made[fmt.Sprint(m["MetricNamespace"], " ", m["MetricName"])] = true
		}
	}
	for _, a := range d.OfType("AWS::CloudWatch::Alarm") {
		dims := dimensions(a)
		if len(dims) == 0 {
			say(&out, "%s looks at nothing", a.LogicalID)
		}
		for _, x := range dims {
			metric := x.namespace + " " + x.metric
			if x.name == "" {
				if !made[metric] && !slices.Contains(withoutDimension, metric) {
					say(&out, "%s looks at %s, which nobody makes", a.LogicalID, metric)
				}
				continue
			}
			k := kindOf[x.name]
			r, ok := d.Resource(strings.TrimSuffix(x.value, k.suffix))
			if !ok || r.Type != k.typ || x.namespace != k.namespace || !strings.HasSuffix(x.value, k.suffix) {
				say(&out, "%s looks at %s of %s %q, which does not exist", a.LogicalID, metric, x.name, x.value)
			}
		}
		if !slices.Contains(items(a.Properties["AlarmActions"]), any("Alarms.Alerts")) {
			say(&out, "%s tells nobody", a.LogicalID)
		}
	}
	if a, ok := d.Resource("Alarms.SweepAbsent"); !ok || a.Properties["TreatMissingData"] != "breaching" || a.Properties["ComparisonOperator"] != "LessThanThreshold" {
		say(&out, "no alarm hears that the sweeper is silent")
	}
	topic, _ := d.Resource("Alarms.Alerts")
	if len(items(topic.Properties["Subscription"])) == 0 {
		say(&out, "nobody listens to the alarms")
	}
	return out
}

func logLaw(d *deployment) (out []string) {
	for _, api := range d.OfType("AWS::Serverless::HttpApi") {
		format := fmt.Sprint(props(api.Properties, "AccessLogSettings")["Format"])
		if !strings.Contains(format, "$context.routeKey") {
			say(&out, "%s: the access log does not name the route", api.LogicalID)
		}
		for _, open := range []string{"$context.path", "$context.authorizer", "$context.identity", "querystring", "header"} {
			if strings.Contains(format, open) {
				say(&out, "%s: the access log holds %s, and so refs or people", api.LogicalID, open)
			}
		}
		if r, ok := d.Resource(strings.TrimSuffix(fmt.Sprint(props(api.Properties, "AccessLogSettings")["DestinationArn"]), ".Arn")); !ok || r.Type != "AWS::Logs::LogGroup" {
			say(&out, "%s: its access log goes nowhere", api.LogicalID)
		}
	}
	return out
}

// errorPageLaw: CloudFront would turn the API's errors into pages.
func errorPageLaw(d *deployment) (out []string) {
	for name, text := range d.texts {
		if strings.Contains(text, "CustomErrorResponses") {
			say(&out, "%s: CustomErrorResponses would turn the API's errors into pages", name)
		}
	}
	return out
}

func cacheLaw(d *deployment) (out []string) {
	section := ""
	off := map[string]bool{}
	for _, line := range strings.Split(d.texts["samconfig.toml"], "\n") {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			section = line
		}
		off[section] = off[section] || line == "cached = false"
	}
	for _, stage := range []string{"default", "dev", "prod"} {
		if s := "[" + stage + ".build.parameters]"; !off[s] {
			say(&out, "samconfig.toml: %s does not say cached = false", s)
		}
	}
	return out
}

package template

import (
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"
)

// expand does to functions what the SAM transform does: globals are merged in, events become routes, mappings,
// schedules and subscriptions.
func (t *Template) expand() error {
	for _, id := range t.root.order {
		if t.root.resources[id].typ != "AWS::Serverless::Function" {
			continue
		}
		f, err := t.function(id)
		if err != nil {
			return fmt.Errorf("%s: %w", id, err)
		}
		t.functions = append(t.functions, f)
	}
	return nil
}

// merge lays over on base: maps are merged, lists appended, anything else replaced, as SAM merges globals.
func merge(base, over any) any {
	b, isMap := base.(map[string]any)
	o, both := over.(map[string]any)
	if isMap && both {
		out := maps.Clone(b)
		for k, v := range o {
			if was, ok := b[k]; ok {
				v = merge(was, v)
			}
			out[k] = v
		}
		return out
	}
	bl, isList := base.([]any)
	ol, both := over.([]any)
	if isList && both {
		return append(append([]any{}, bl...), ol...)
	}
	return over
}

func (t *Template) function(id string) (Function, error) {
	merged, _ := merge(t.root.globals, t.root.resources[id].properties).(map[string]any)
	v, err := scope{t.root, logical}.resolve(merged)
	if err != nil {
		return Function{}, err
	}
	p := v.(map[string]any)
	f := Function{
		Name: strings.ToLower(id), LogicalID: id, Handler: text(p["Handler"]), CodeURI: text(p["CodeUri"]), Runtime: text(p["Runtime"]),
		Architectures: words(p["Architectures"]), Timeout: seconds(p["Timeout"]), Memory: number(p["MemorySize"]),
		Reserved: number(p["ReservedConcurrentExecutions"]), Role: text(p["Role"]), Log: text(section(p, "LoggingConfig")["LogGroup"]),
		OnFailure: destination(section(p, "EventInvokeConfig")), Env: map[string]string{},
	}
	f.Written = section(section(merged, "Environment"), "Variables")
	env, err := scope{t.root, physical}.resolve(f.Written)
	if err != nil {
		return f, err
	}
	for k, v := range env.(map[string]any) {
		f.Env[k] = text(v)
	}
	if err := t.rights(&f, p); err != nil {
		return f, err
	}
	events := section(p, "Events")
	for _, name := range sortedKeys(events) {
		e, _ := events[name].(map[string]any)
		if err := f.event(t, name, text(e["Type"]), section(e, "Properties")); err != nil {
			return f, fmt.Errorf("event %s: %w", name, err)
		}
	}
	return f, nil
}

func (f *Function) event(t *Template, name, typ string, p map[string]any) error {
	switch typ {
	case "HttpApi":
		r := Route{Event: name, Method: strings.ToUpper(text(p["Method"])), Path: text(p["Path"])}
		if r.Method == "" || !strings.HasPrefix(r.Path, "/") {
			return fmt.Errorf("a route needs a method and a path")
		}
		api, err := t.api(text(p["ApiId"]))
		if err != nil {
			return err
		}
		authorizer := api.Authorizer
		if own, ok := section(p, "Auth")["Authorizer"]; ok {
			authorizer = text(own)
		}
		r.Auth = authorizer != "" && authorizer != "NONE"
		f.Routes = append(f.Routes, r)
	case "DynamoDB":
		s := Stream{
			Event: name, Source: text(p["Stream"]), Start: text(p["StartingPosition"]), BatchSize: number(p["BatchSize"]),
			Bisect: p["BisectBatchOnFunctionError"] == true, Retries: number(p["MaximumRetryAttempts"]),
			MaxAge: seconds(p["MaximumRecordAgeInSeconds"]), OnFailure: destination(p),
		}
		for _, w := range words(p["FunctionResponseTypes"]) {
			s.Partial = s.Partial || w == "ReportBatchItemFailures"
		}
		for _, x := range list(section(p, "FilterCriteria")["Filters"]) {
			m, _ := x.(map[string]any)
			s.Filters = append(s.Filters, text(m["Pattern"]))
		}
		f.Streams = append(f.Streams, s)
	case "ScheduleV2":
		retry := section(p, "RetryPolicy")
		f.Schedules = append(f.Schedules, Schedule{
			Event: name, Expression: text(p["ScheduleExpression"]), Zone: text(p["ScheduleExpressionTimezone"]), Input: text(p["Input"]),
			Flexible: text(section(p, "FlexibleTimeWindow")["Mode"]), Retries: number(retry["MaximumRetryAttempts"]),
			MaxAge: seconds(retry["MaximumEventAgeInSeconds"]), DeadLetter: text(section(p, "DeadLetterConfig")["Arn"]),
			Disabled: text(p["State"]) == "DISABLED",
		})
	case "SNS":
		f.Topics = append(f.Topics, Topic{
			Event: name, Topic: text(p["Topic"]), DeadLetter: text(section(p, "RedrivePolicy")["deadLetterTargetArn"]),
		})
	default:
		return fmt.Errorf("events of type %q are not read yet", typ)
	}
	return nil
}

// API answers the HTTP API of the deployment; an error when there is none or more than one.
func (t *Template) API() (API, error) {
	apis := t.OfType("AWS::Serverless::HttpApi")
	if len(apis) != 1 {
		return API{}, fmt.Errorf("the template has %d HTTP APIs, not one", len(apis))
	}
	return t.api(apis[0].LogicalID)
}

func (t *Template) api(id string) (API, error) {
	r, ok := t.Resource(id)
	if !ok || r.Type != "AWS::Serverless::HttpApi" {
		return API{}, fmt.Errorf("there is no HTTP API %q", id)
	}
	a := API{LogicalID: id, Authorizer: text(section(r.Properties, "Auth")["DefaultAuthorizer"]), Throttled: map[string]Throttle{}}
	if c := section(r.Properties, "CorsConfiguration"); c != nil {
		a.CORS = &CORS{
			AllowOrigins: words(c["AllowOrigins"]), AllowMethods: words(c["AllowMethods"]), AllowHeaders: words(c["AllowHeaders"]),
			ExposeHeaders: words(c["ExposeHeaders"]), AllowCredentials: c["AllowCredentials"] == true, MaxAge: number(c["MaxAge"]),
		}
	}
	limit := func(m map[string]any) Throttle {
		b, _ := strconv.ParseFloat(text(m["ThrottlingBurstLimit"]), 64)
		r, _ := strconv.ParseFloat(text(m["ThrottlingRateLimit"]), 64)
		return Throttle{Burst: b, Rate: r}
	}
	if d := section(r.Properties, "DefaultRouteSettings"); d != nil {
		a.Throttled[""] = limit(d)
	}
	for key, v := range section(r.Properties, "RouteSettings") {
		m, _ := v.(map[string]any)
		a.Throttled[key] = limit(m)
	}
	return a, nil
}

func destination(p map[string]any) string {
	return text(section(section(p, "DestinationConfig"), "OnFailure")["Destination"])
}

func words(v any) []string {
	var out []string
	for _, x := range list(v) {
		out = append(out, text(x))
	}
	return out
}

// number reads a whole number. What is not one reads as 0, which cfn-lint refuses where a number belongs.
func number(v any) int {
	n, _ := strconv.Atoi(text(v))
	return n
}

func seconds(v any) time.Duration { return time.Duration(number(v)) * time.Second }

package template_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"onebook/infra/local/template"
)

// What this package reads is what SAM makes: the transform itself expands our template, and routes with their
// authorizers, functions, mappings and schedules are compared.
func TestAgreesWithSAM(t *testing.T) {
	const python = "../../../.ci/tools/venv/bin/python"
	if _, err := os.Stat(python); errors.Is(err, fs.ErrNotExist) {
		if os.Getenv("CI") != "" {
			t.Fatal("SAM is not installed; make setup installs it")
		}
		t.Skip("SAM is not installed; make setup installs it")
	}
	dir := t.TempDir()
	if out, err := exec.Command(python, "../../../.ci/tools/expand.py", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text, err := os.ReadFile(filepath.Join(dir, "template.json"))
	if err != nil {
		t.Fatal(err)
	}
	var sam struct {
		Resources map[string]struct {
			Type       string
			Properties map[string]any
		}
	}
	if err := json.Unmarshal(text, &sam); err != nil {
		t.Fatal(err)
	}
	x, err := template.Load("../../..", nil)
	if err != nil {
		t.Fatal(err)
	}
	var ours, theirs []string
	say := func(to *[]string, format string, args ...any) { *to = append(*to, fmt.Sprintf(format, args...)) }
	for _, f := range x.Functions() {
		say(&ours, "function %s timeout %v memory %d env %v", f.LogicalID, f.Timeout.Seconds(), f.Memory, keys(f.Written))
		for _, r := range f.Routes {
			say(&ours, "route %s by %s behind the authorizer %v", r.Key(), f.LogicalID, r.Auth)
		}
		for _, s := range f.Streams {
			say(&ours, "stream %s batch %d retries %d age %v bisect %v partial %v filters %v", f.LogicalID, s.BatchSize, s.Retries, s.MaxAge.Seconds(), s.Bisect, s.Partial, s.Filters)
		}
		for _, s := range f.Schedules {
			say(&ours, "schedule %s of %s with %s", s.Expression, f.LogicalID, s.Input)
		}
		for range f.Topics {
			say(&ours, "subscription of %s", f.LogicalID)
		}
	}
	for id, r := range sam.Resources {
		p := r.Properties
		switch r.Type {
		case "AWS::Lambda::Function":
			say(&theirs, "function %s timeout %v memory %v env %v", id, p["Timeout"], p["MemorySize"], keys(at(p, "Environment", "Variables")))
		case "AWS::ApiGatewayV2::Api":
			for path, methods := range at(p, "Body", "paths") {
				for method, op := range methods.(map[string]any) {
					m := op.(map[string]any)
					uri := fmt.Sprint(at(m, "x-amazon-apigateway-integration", "uri")["Fn::Sub"])
					_, rest, _ := strings.Cut(uri, "functions/${")
					function, _, _ := strings.Cut(rest, ".Arn}")
					security := m["security"].([]any)[0].(map[string]any)
					_, members := security["Members"]
					say(&theirs, "route %s %s by %s behind the authorizer %v", strings.ToUpper(method), path, function, members)
				}
			}
		case "AWS::Lambda::EventSourceMapping":
			var filters []string
			for _, f := range at(p, "FilterCriteria")["Filters"].([]any) {
				filters = append(filters, fmt.Sprint(f.(map[string]any)["Pattern"]))
			}
			partial := slices.Contains(p["FunctionResponseTypes"].([]any), any("ReportBatchItemFailures"))
			say(&theirs, "stream %v batch %v retries %v age %v bisect %v partial %v filters %v", at(p, "FunctionName")["Ref"], p["BatchSize"],
				p["MaximumRetryAttempts"], p["MaximumRecordAgeInSeconds"], p["BisectBatchOnFunctionError"], partial, filters)
		case "AWS::Scheduler::Schedule":
			target := at(p, "Target", "Arn")["Fn::GetAtt"].([]any)
			say(&theirs, "schedule %v of %v with %v", p["ScheduleExpression"], target[0], at(p, "Target")["Input"])
		case "AWS::SNS::Subscription":
			target := at(p, "Endpoint")["Fn::GetAtt"].([]any)
			say(&theirs, "subscription of %v", target[0])
		}
	}
	slices.Sort(ours)
	slices.Sort(theirs)
	if d := cmp.Diff(theirs, ours); d != "" {
		t.Errorf("-SAM +ours\n%s", d)
	}
}

func at(m map[string]any, path ...string) map[string]any {
	for _, p := range path {
		m, _ = m[p].(map[string]any)
	}
	return m
}

func keys(m map[string]any) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

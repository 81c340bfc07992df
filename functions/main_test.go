package functions_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"onebook/infra/local/template"
)

// root is the repository.
const root = ".."

// The deployment of these tests: what the samples in events/ speak of.
const (
	region   = "eu-central-1"
	site     = "https://studio.example"
	mailFrom = "no-reply@studio.example"
	issuer   = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Example01"
	clientID = "1example23456789client0id"
	poolID   = "eu-central-1_Example01"
	bucket   = "onebook-documents"
	letters  = "onebook-letters"
)

// The secrets of an account, by their ARNs.
const (
	arn           = "arn:aws:secretsmanager:" + region + ":123456789012:secret:"
	arnStripe     = arn + "stripe-key"
	arnPortal     = arn + "stripe-portal-key"
	arnWebhook    = arn + "stripe-webhook"
	arnLinkKey    = arn + "link-key"
	stripeKey     = "sk_test_functions"
	portalKey     = "rk_test_functions"
	webhookSecret = "whsec_events_example"
	linkKey       = `{"1":"0123456789abcdef0123456789abcdef"}`
)

var secrets = map[string]string{arnStripe: stripeKey, arnPortal: portalKey, arnWebhook: webhookSecret, arnLinkKey: linkKey}

// deployment reads the template as a deploy of it with this table would.
func deployment(tb testing.TB, table string) *template.Template {
	tb.Helper()
	t, err := template.Load(root, map[string]string{
		"SiteUrl": site, "OwnerEmail": "owner@studio.example", "MailFrom": mailFrom, "MailIdentity": "studio.example", "AWS::Region": region,
		"StripeKeySecret": arnStripe, "StripePortalKeySecret": arnPortal, "StripeWebhookSecret": arnWebhook, "Data.LinkKey": arnLinkKey,
		"Data.Table": table, "Data.Documents": bucket, "Letters": letters,
		"Auth.Users": poolID, "Auth.App": clientID, "Auth.Outputs.Issuer": issuer,
	})
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

// doors are the functions, by their folders here.
func doors(tb testing.TB) []string {
	tb.Helper()
	mains, err := filepath.Glob("*/main.go")
	if err != nil || len(mains) == 0 {
		tb.Fatalf("there is no function: %v", err)
	}
	var out []string
	for _, m := range mains {
		out = append(out, filepath.Dir(m))
	}
	slices.Sort(out)
	return out
}

// built are the binaries of this run, made at first use and removed at its end.
var built struct {
	once sync.Once
	dir  string
	err  error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if built.dir != "" {
		if err := os.RemoveAll(built.dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// empty is the function that does nothing, which the others are compared with.
const empty = "empty"

// binary answers the path of a function's binary, built as for a deploy except that it is for this machine.
func binary(tb testing.TB, door string) string {
	tb.Helper()
	built.once.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "functions"); built.err != nil {
			return
		}
		args := []string{"build", "-buildvcs=false", "-tags", "lambda.norpc", "-trimpath", "-ldflags", "-s -w", "-o", built.dir + "/", "./testdata/" + empty}
		for _, d := range doors(tb) {
			args = append(args, "./"+d)
		}
		cmd := exec.Command("go", args...)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			built.err = errors.Join(err, errors.New(string(out)))
		}
	})
	if built.err != nil {
		tb.Fatalf("the functions cannot be built: %v", built.err)
	}
	return filepath.Join(built.dir, door)
}

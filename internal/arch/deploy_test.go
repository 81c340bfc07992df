package arch_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fakeSAM notes what it is asked to do, and answers what a deployed stack would.
const fakeSAM = `#!/bin/sh
echo "$*" >>"$CALLS"
case "$1 $2" in
"list stack-outputs") echo '[{"OutputKey":"SiteUrl","OutputValue":"https://a.example"},{"OutputKey":"OwnerEmail","OutputValue":"o@a.example"},{"OutputKey":"WebhookUrl","OutputValue":"https://a.example/hooks/stripe"}]' ;;
"remote invoke") echo "${ANSWER:-{\}}" ;;
esac
test "$1" != "$FAIL"
`

// deploy runs make deploy's script against a stand-in for SAM.
func deploy(t *testing.T, env ...string) (calls []string, out string, failed bool) {
	t.Helper()
	dir := t.TempDir()
	sam, log := filepath.Join(dir, "sam"), filepath.Join(dir, "calls")
	if err := os.WriteFile(sam, []byte(fakeSAM), 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("python3", filepath.Join(root, ".ci/tools/deploy.py"))
	cmd.Env = append(os.Environ(), append([]string{"SAM=" + sam, "CALLS=" + log, "FAIL=none", "CONFIG=dev", "PARAMETERS="}, env...)...)
	text, err := cmd.CombinedOutput()
	done, _ := os.ReadFile(log)
	return strings.Split(strings.TrimSpace(string(done)), "\n"), string(text), err != nil
}

// A first deploy builds, deploys, tells the application its own address in a second pass, and then invites the owner.
func TestDeployOrder(t *testing.T) {
	calls, out, failed := deploy(t, "PARAMETERS=OwnerEmail=o@a.example LogLevel=info")
	if failed {
		t.Fatal(out)
	}
	want := []string{
		"build --config-env dev",
		"deploy --config-env dev --parameter-overrides AuditLock=GOVERNANCE LogLevel=info OwnerEmail=o@a.example",
		"list stack-outputs --stack-name onebook-dev --output json",
		"deploy --config-env dev --parameter-overrides AuditLock=GOVERNANCE LogLevel=info OwnerEmail=o@a.example SiteUrl=https://a.example",
		"list stack-outputs --stack-name onebook-dev --output json",
		`remote invoke Setup --stack-name onebook-dev --event {"ownerEmail": "o@a.example"} --output json`,
	}
	if d := cmp.Diff(want, calls); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
}

// Whoever has a domain of their own names it, and then one pass is enough.
func TestDeployWithOwnAddress(t *testing.T) {
	calls, out, failed := deploy(t, "CONFIG=prod", "PARAMETERS=SiteUrl=https://book.example")
	n := 0
	for _, c := range calls {
		if strings.HasPrefix(c, "deploy ") {
			n++
		}
	}
	if failed || n != 1 {
		t.Errorf("%d passes, want one\n%s", n, out)
	}
}

// What fails ends the deploy, and is told.
func TestDeployFailures(t *testing.T) {
	for name, c := range map[string]struct{ env, say, last string }{
		"build fails":         {"FAIL=build", "sam build failed", "build --config-env dev"},
		"deploy fails":        {"FAIL=deploy", "sam deploy failed", "deploy --config-env dev --parameter-overrides AuditLock=GOVERNANCE LogLevel=debug"},
		"owner not invited":   {`ANSWER={"FunctionError":"Unhandled"}`, "the owner could not be invited", "remote invoke"},
		"no such stage":       {"CONFIG=staging", "no stage 'staging'", ""},
		"parameter half said": {"PARAMETERS=OwnerEmail", "not of the form Name=value", ""},
	} {
		t.Run(name, func(t *testing.T) {
			calls, out, failed := deploy(t, c.env)
			if !failed || !strings.Contains(out, c.say) || !strings.HasPrefix(calls[len(calls)-1], c.last) {
				t.Errorf("failed %v after %q, said %q", failed, calls, out)
			}
		})
	}
}

package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// A member is removed while working. What was done stays, with the name; what is tried afterwards changes nothing, is
// refused and audited; another goes on where the member stopped.
func TestAMemberRemovedWhileWorking(t *testing.T) {
	owner, _ := whole(t)
	seller := owner
	seller.token = owner.signIn("sales")
	ct := seller.say("POST", "/v1/contacts", `{"kind":"person","name":"Grace Hopper","emails":[{"address":"grace@example.com"}]}`)["id"].(string)
	line := `"lines":[{"name":"Concept","quantity":"1","unitPrice":"100.00","taxClass":"standard"}]`
	es := seller.say("POST", "/v1/estimates", `{"contactId":"`+ct+`",`+line+`}`)["id"].(string)
	todo := seller.say("POST", "/v1/tasks", `{"contactId":"`+ct+`","title":"Call Grace"}`)["id"].(string)

	var who string
	for _, m := range owner.say("GET", "/v1/members", "")["items"].([]any) {
		if m := m.(map[string]any); m["role"] == "sales" {
			who = m["id"].(string)
		}
	}
	owner.edit("DELETE", "/v1/members/"+who, "")
	owner.say("POST", "/_local/clock", `{"advance":"60s"}`) // functions keep what they know of members no longer than that

	// Several tabs were open. Whatever they try, nothing comes of it.
	before := fmt.Sprint(owner.say("GET", "/v1/estimates/"+es, ""))
	for _, x := range [][3]string{
		{"GET", "/v1/contacts/" + ct, ""}, {"POST", "/v1/estimates/" + es + "/send", ""}, {"POST", "/v1/estimates", `{"contactId":"` + ct + `",` + line + `}`},
		{"POST", "/v1/tasks/" + todo + "/done", ""}, {"POST", "/v1/contacts", `{"kind":"person","name":"Nobody"}`}, {"GET", "/v1/search?q=grace", ""},
	} {
		if status, body := seller.do(x[0], x[1], x[2]); status != http.StatusForbidden || !strings.Contains(body, `"denied"`) {
			t.Errorf("%s %s: %d %s", x[0], x[1], status, body)
		}
	}
	if after := fmt.Sprint(owner.say("GET", "/v1/estimates/"+es, "")); after != before {
		t.Errorf("the estimate was changed by somebody who was removed:\n%s\n%s", before, after)
	}
	for _, m := range owner.mails() {
		if m.To == "grace@example.com" {
			t.Errorf("a letter went out: %s", m.Subject)
		}
	}

	// The record says who began it, and that more was tried.
	history := owner.say("GET", "/v1/estimates/"+es+"/history", "")["items"].([]any)
	if first := history[len(history)-1].(map[string]any); first["actorId"] != who || first["actor"] == "" {
		t.Errorf("who drafted it: %v", first)
	}
	if left := fmt.Sprint(owner.say("GET", "/v1/audit", "")); !strings.Contains(left, "member.removed") {
		t.Errorf("the trail does not tell of the removal: %s", left)
	}

	// Another goes on.
	admin := owner
	admin.token = owner.signIn("admin")
	if sent := admin.say("POST", "/v1/estimates/"+es+"/send", ""); sent["status"] != "sent" {
		t.Errorf("sent by another: %v", sent["status"])
	}
	eventually(t, "the letter arrives", func() bool {
		for _, m := range owner.mails() {
			if m.To == "grace@example.com" {
				return true
			}
		}
		return false
	})
	admin.say("POST", "/v1/tasks/"+todo+"/done", "")
	if v := owner.say("GET", "/v1/audit/verify?contactId="+ct, ""); v["intact"] != true {
		t.Errorf("the chain: %v", v)
	}
}

package member_test

import (
	"errors"
	"strings"
	"testing"

	"onebook/internal/activity"
	"onebook/internal/fault"
	"onebook/internal/member"
)

// table is rules.md §9 as far as it is built, typed from the page: who may, among people. Every other person may not.
var table = map[member.Right]string{
	member.Read:             "owner admin billing booking sales viewer",
	member.ContactBilling:   "owner admin billing",
	member.ContactOther:     "owner admin booking sales",
	member.ContactArchive:   "owner admin sales",
	member.ContactMerge:     "owner admin",
	member.TaskWrite:        "owner admin billing booking sales",
	member.EstimateWrite:    "owner admin billing sales",
	member.EstimateAnswer:   "owner admin billing sales",
	member.InvoicePropose:   "owner admin billing booking sales",
	member.InvoiceWrite:     "owner admin billing",
	member.PaymentRecord:    "owner billing",
	member.PaymentStart:     "owner billing",
	member.PaymentOutcome:   "",
	member.WriteOff:         "owner billing",
	member.ApprovalDecide:   "owner billing",
	member.ControlWrite:     "owner",
	member.TaxWrite:         "owner billing",
	member.OrganisationEdit: "owner admin",
	member.CatalogWrite:     "owner admin booking",
	member.IssueBilling:     "owner admin billing",
	member.IssueBooking:     "owner admin booking",
	member.IssueAdmin:       "owner admin",
	member.MemberWrite:      "owner admin",
	member.AuditVerify:      "owner admin billing",
}

// jobs are the automations, each with what its job needs and nothing else.
var jobs = map[string]string{
	"webhook":   "read payment.outcome",
	"puller":    "read payment.outcome",
	"courier":   "read",
	"printer":   "read",
	"clock":     "read",
	"postbox":   "read",
	"intake":    "read contact.write.other task.write",
	"on-accept": "read invoice.propose invoice.write",
	"setup":     "member.write",
	"":          "",
	"owner":     "", // a role is no automation
}

const client = "estimate.answer payment.start payment.outcome"

// Everybody may exactly what the table says, right by right.
func TestRights(t *testing.T) {
	if len(table) != 24 {
		t.Errorf("the table has %d rights", len(table))
	}
	for right, who := range table {
		for _, role := range []string{"owner", "admin", "billing", "booking", "sales", "viewer", "", "Owner", "root"} {
			ask(t, activity.By{Kind: activity.Member, ID: "mb_1", Role: role}, right, has(who, role))
		}
		for job, may := range jobs {
			ask(t, activity.By{Kind: activity.Automation, ID: job, Role: "owner"}, right, has(may, string(right)))
		}
		ask(t, activity.By{Kind: activity.Client, ID: "lk_1", Role: "owner"}, right, has(client, string(right)))
		ask(t, activity.By{Role: "owner"}, right, false)
	}
	for _, role := range member.Roles {
		ask(t, activity.By{Kind: activity.Member, Role: string(role)}, "no.such.right", false)
		ask(t, activity.By{Kind: activity.Member, Role: string(role)}, "", false)
	}
}

func has(list, word string) bool {
	for _, x := range strings.Fields(list) {
		if x == word {
			return true
		}
	}
	return false
}

func ask(t *testing.T, by activity.By, r member.Right, want bool) {
	t.Helper()
	err := member.May(by, r)
	if want && err != nil || !want && !errors.Is(err, fault.Denied) {
		t.Errorf("%s %q (%q): %s is %v, wanted %v", by.Kind, by.ID, by.Role, r, err, want)
	}
}

package member

import (
	"onebook/internal/activity"
	"onebook/internal/fault"
)

// Role is what a member is in the organisation.
type Role string

// The roles (rules.md §9).
const (
	Owner   Role = "owner"
	Admin   Role = "admin"
	Billing Role = "billing"
	Booking Role = "booking"
	Sales   Role = "sales"
	Viewer  Role = "viewer"
)

// Roles lists them all, the widest first.
var Roles = []Role{Owner, Admin, Billing, Booking, Sales, Viewer}

// Right names one thing that an actor may do.
type Right string

// The rights. Each row of the table in rules.md §9 is one or more of them.
const (
	Read             Right = "read"                  // everything that every member reads
	ContactBilling   Right = "contact.write.billing" // tax id, address, currency, recipients, payment terms
	ContactOther     Right = "contact.write.other"
	ContactArchive   Right = "contact.archive"
	ContactMerge     Right = "contact.merge"
	TaskWrite        Right = "task.write"
	EstimateWrite    Right = "estimate.write"   // and deals and orders: write, send, cancel
	EstimateConvert  Right = "estimate.convert" // into an order with its drafts
	EstimateAnswer   Right = "estimate.answer"  // accept or decline on the client's behalf
	InvoicePropose   Right = "invoice.propose"  // a draft that billing will issue
	InvoiceWrite     Right = "invoice.write"    // draft, issue, send, void
	PaymentRecord    Right = "payment.record"
	PaymentOutcome   Right = "payment.outcome" // what the provider says became of a payment
	PaymentStart     Right = "payment.start"   // open the hosted page
	WriteOff         Right = "write-off"       // of an invoice: done alone, or asked for
	ApprovalDecide   Right = "approval.decide" // answer what somebody else has asked for
	ControlWrite     Right = "control.write"   // what may be done without a second person
	TaxWrite         Right = "tax.write"       // tax, discount rules, numbering, templates, bank details, terms
	OrganisationEdit Right = "organisation.write"
	CatalogWrite     Right = "catalog.write" // services, hours, resources, calendars
	IssueBilling     Right = "issue.billing"
	IssueBooking     Right = "issue.booking"
	IssueAdmin       Right = "issue.admin"
	MemberWrite      Right = "member.write"
	AuditVerify      Right = "audit.verify"
)

var everyone = []Role{Owner, Admin, Billing, Booking, Sales, Viewer}

// byRole is the table: who of the members may. A right that is not here is nobody's.
var byRole = map[Right][]Role{
	Read:             everyone,
	ContactBilling:   {Owner, Admin, Billing},
	ContactOther:     {Owner, Admin, Booking, Sales},
	ContactArchive:   {Owner, Admin, Sales},
	ContactMerge:     {Owner, Admin},
	TaskWrite:        {Owner, Admin, Billing, Booking, Sales},
	EstimateWrite:    {Owner, Admin, Billing, Sales},
	EstimateConvert:  {Owner, Admin, Billing, Sales},
	EstimateAnswer:   {Owner, Admin, Billing, Sales},
	InvoicePropose:   {Owner, Admin, Billing, Booking, Sales},
	InvoiceWrite:     {Owner, Admin, Billing},
	PaymentRecord:    {Owner, Billing},
	PaymentStart:     {Owner, Billing},
	WriteOff:         {Owner, Billing},
	ApprovalDecide:   {Owner, Billing},
	ControlWrite:     {Owner},
	TaxWrite:         {Owner, Billing},
	OrganisationEdit: {Owner, Admin},
	CatalogWrite:     {Owner, Admin, Booking},
	IssueBilling:     {Owner, Admin, Billing},
	IssueBooking:     {Owner, Admin, Booking},
	IssueAdmin:       {Owner, Admin},
	MemberWrite:      {Owner, Admin},
	AuditVerify:      {Owner, Admin, Billing},
}

// Automations, each a principal of its own with just what its job needs.
const (
	Webhook  = "webhook"   // outcomes that the payment provider tells
	Puller   = "puller"    // outcomes that were asked for
	Courier  = "courier"   // letters and their delivery
	Printer  = "printer"   // PDFs
	Clock    = "clock"     // what time brings about: expiry
	Postbox  = "postbox"   // mails that come in
	Intake   = "intake"    // what strangers send through the public form
	OnAccept = "on-accept" // what the owner switched on for accepted estimates
	Setup    = "setup"     // the first owner
)

var byAutomation = map[string][]Right{
	Webhook:  {Read, PaymentOutcome},
	Puller:   {Read, PaymentOutcome},
	Courier:  {Read},
	Printer:  {Read},
	Clock:    {Read},
	Postbox:  {Read},
	Intake:   {Read, ContactOther, TaskWrite},
	OnAccept: {Read, EstimateConvert, InvoicePropose, InvoiceWrite},
	Setup:    {MemberWrite},
}

// byClient is what the person behind a link may do, within the one document that the link opens.
var byClient = []Right{EstimateAnswer, PaymentStart, PaymentOutcome}

// May answers nil when by has the right, else a fault.Denied that says what is missing. The role in by is the live one,
// read for this request.
func May(by activity.By, r Right) error {
	switch by.Kind {
	case activity.Member:
		for _, x := range byRole[r] {
			if string(x) == by.Role {
				return nil
			}
		}
	case activity.Automation:
		for _, x := range byAutomation[by.ID] {
			if x == r {
				return nil
			}
		}
	case activity.Client:
		for _, x := range byClient {
			if x == r {
				return nil
			}
		}
	}
	return fault.Denied.Errorf("your role does not allow this; ask an owner").With("right", string(r))
}

// settling is the right to settle issues of each area.
var settling = map[string]Right{"billing": IssueBilling, "booking": IssueBooking, "admin": IssueAdmin}

// MaySettle answers nil when by may settle issues of an area, as May does.
func MaySettle(by activity.By, area string) error { return May(by, settling[area]) }

// Automaton is the actor of a job.
func Automaton(name string) activity.By {
	return activity.By{Kind: activity.Automation, ID: name, Name: automationNames[name]}
}

var automationNames = map[string]string{
	Webhook: "Stripe", Puller: "Stripe", Courier: "Post", Printer: "Documents", Clock: "Clock", Intake: "Inquiry form", Postbox: "Post", OnAccept: "On acceptance", Setup: "Set-up",
}

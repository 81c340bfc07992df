package activity

// Who kinds of actor.
const (
	Member     = "member"     // a person of the organisation, by token
	Automation = "automation" // a job with narrow rights of its own; ID is its name
	Client     = "client"     // the person behind a link; ID is the link's id
)

// By is who does a deed. It is a parameter of every deed, never a context value.
type By struct {
	Kind string // Member, Automation or Client
	ID   string // member id, automation name, or link id
	Name string // as the timeline shows it
	Role string // a member's live role, read from the table for this request; empty for the others

	// Fresh: the person signed in within the last five minutes, by the machine's clock. Deeds that one person does where
	// two are usual ask for it.
	Fresh bool
	// Once, when set, is the caller's Idempotency-Key: the first transaction of the deed writes it as a claim.
	Once *Once
}

// Once is one Idempotency-Key of one caller on one route.
type Once struct {
	Key     string // hash of principal or link, route and the caller's key
	Request string // hash of the request's body
	Status  int    // the HTTP status to answer again

	claimed bool
}

package contact

import "onebook/internal/activity"

// State is where a contact stands (rules.md §8). It is read from what is stored: the head of a merged contact leads to
// another, an archived one has a day.
type State string

// The states of a contact.
const (
	Active     State = "active"
	Archived   State = "archived"   // out of lists and searches, its keys and its story stay
	Merged     State = "merged"     // leads to the contact that survived
	Anonymised State = "anonymised" // the person is erased, issued documents stay
)

var transitions = map[State][]State{
	Active:   {Merged, Archived, Anonymised},
	Merged:   {Active},
	Archived: {Active, Anonymised},
}

// Can reports whether a contact may go from s to next.
func (s State) Can(next State) bool {
	for _, t := range transitions[s] {
		if t == next {
			return true
		}
	}
	return false
}

// stateOf is the state of a contact with this head.
func stateOf(c Contact, h activity.Head) State {
	switch {
	case h.MergedInto != "":
		return Merged
	case !c.ArchivedAt.IsZero():
		return Archived
	}
	return Active
}

// Package arch holds the house rules as tests: what may import what, who alone knows the outside, what code may not do,
// and what the deployment must look like. It has no code of its own.
//
// A rule is a name, a reason and a function that finds offences; each has a planted offence that the test demands to
// be found, since a rule that finds nothing proves nothing. A new package is placed in the list of floors; a new
// public route, or a new value that functions are given, is added to its list here, where a reviewer sees it.
package arch

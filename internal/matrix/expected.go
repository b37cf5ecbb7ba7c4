package main

// expected returns for each bug what lsfr may say of it: names of checks, and rules
// that a history breaks. Anything else would send a learner the wrong way.
func expected() map[string][]string {
	return map[string][]string{}
}

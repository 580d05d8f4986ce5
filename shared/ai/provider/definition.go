package provider

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// definition is a sentence that says what something is.
type definition struct {
	sentence
	term  string   // what is defined, without its article
	key   []string // the term's stems
	begin string   // subject and verb, with which the sentence begins; "" if it begins otherwise
	verb  string   // the latter
	front string   // the question
	back  string   // what the sentence says of the term
	which bool     // back describes the term without naming it: the question can be turned round
	trust float64
}

// rule is one way to write a definition. The pattern's groups are named: article,
// term, as (a second term, of which the first is a case), rest.
type rule struct {
	pattern *regexp.Regexp
	front   string // with {term}, {as}
	back    string // with {rest}
	which   bool
	trust   float64
}

// Building blocks of the patterns. A term is up to six words; longer ones are sentences.
const (
	termEN = `(?:(?P<article>The|A|An) )?(?P<term>[^\s,;:]+(?: [^\s,;:]+){0,5}?)`
	termDE = `(?:(?P<article>Der|Die|Das|Ein|Eine) )?(?P<term>[^\s,;:]+(?: [^\s,;:]+){0,4}?)`
	termNO = `(?:(?P<article>En|Et|Ei|Ett|Den|Det|De) )?(?P<term>[^\s,;:]+(?: [^\s,;:]+){0,4}?)`
	termFR = `(?:(?P<article>Le|La|Les|Un|Une) )?(?P<term>[^\s,;:]+(?: [^\s,;:]+){0,5}?)`
	termES = `(?:(?P<article>El|La|Los|Las|Un|Una) )?(?P<term>[^\s,;:]+(?: [^\s,;:]+){0,5}?)`
	inner  = `(?:(?P<article>einer|einem|eine|der|dem|den|die|das|en|et|ett|ei) )?(?P<term>[^,;:]{3,60}?)`
	rest   = `(?P<rest>\S.{14,})`
	form   = `\p{L}{3,}en (?:der|som|hvor|där|av)|\p{L}+(?:ens|ets|enes|nas) \p{L}+` // the article at the end, or whose it is
)

// rules are how each language writes definitions, the surest first.
var rules = sync.OnceValue(func() map[string][]rule {
	r := func(pattern, front, back string, which bool, trust float64) rule {
		return rule{regexp.MustCompile(`^` + pattern + `$`), front, back, which, trust}
	}
	return map[string][]rule{
		"en": {
			r(termEN+` (?:is|are) called (?P<as>[^,;:]{3,60}?),? (?P<rest>(?:if|when) .{10,})`, "When is {term} called {as}?", "{rest}", false, 0.9),
			r(termEN+` is (?P<as>[^\s,;:]+(?: [^\s,;:]+){0,2}) (?P<rest>if and only if .{10,})`, "When is {term} {as}?", "{rest}", false, 0.9),
			r(termEN+` (?:is|are) defined (?:as|to be) `+rest, "How is {term} defined?", "{rest}", true, 0.95),
			r(termEN+` refers to `+rest, "What does {term} refer to?", "{rest}", true, 0.9),
			r(termEN+` refer to `+rest, "What do {term} refer to?", "{rest}", true, 0.85),
			r(termEN+` (?:means|denotes) `+rest, "What does {term} mean?", "{rest}", true, 0.85),
			r(termEN+` (?:is|are) (?P<rest>(?:used to|responsible for|required for|caused by|known for|composed of|made up of) .{14,})`, "What can be said of {term}?", "{rest}", false, 0.65),
			r(termEN+` consists of `+rest, "What does {term} consist of?", "{rest}", false, 0.75),
			r(termEN+` consist of `+rest, "What do {term} consist of?", "{rest}", false, 0.75),
			r(termEN+` is (?P<rest>(?:a|an|the|one of|any|part of) .{10,})`, "What is {term}?", "{rest}", true, 0.85),
			r(termEN+` are (?P<rest>(?:a|an|the|those|any|all) .{10,})`, "What are {term}?", "{rest}", true, 0.7),
			r(termEN+` was (?P<rest>(?:a|an|the|one of) .{10,})`, "Who or what was {term}?", "{rest}", false, 0.6),
			r(termEN+` were (?P<rest>(?:a|an|the) .{10,})`, "Who or what were {term}?", "{rest}", false, 0.55),
		},
		"de": {
			r(termDE+` (?:heißt|heißen) (?P<as>[^,;:]{3,60}?), (?P<rest>(?:wenn|falls|sofern) .{10,})`, "Wann heißt {term} {as}?", "{rest}", false, 0.9),
			r(termDE+` ist (?P<as>[^\s,;:]+(?: [^\s,;:]+){0,2}), (?P<rest>(?:wenn|falls) .{10,})`, "Wann ist {term} {as}?", "{rest}", false, 0.8),
			r(termDE+` ist genau dann (?P<as>[^\s,;:]+(?: [^\s,;:]+){0,2}), (?P<rest>wenn .{10,})`, "Wann ist {term} {as}?", "{rest}", false, 0.9),
			r(`Unter `+inner+` versteht man `+rest, "Was versteht man unter {term}?", "{rest}", true, 0.95),
			r(`Als `+inner+` (?:bezeichnet|bezeichnen) (?:man|wir) `+rest, "Was bezeichnet man als {term}?", "{rest}", true, 0.95),
			r(termDE+` bezeichnet `+rest, "Was bezeichnet {term}?", "{rest}", true, 0.85),
			r(termDE+` (?:bedeutet|bedeuten) `+rest, "Was bedeutet {term}?", "{rest}", true, 0.85),
			r(termDE+` (?:besteht|bestehen) aus `+rest, "Woraus besteht {term}?", "{rest}", false, 0.75),
			r(termDE+` ist (?P<rest>(?:ein|eine|einer|eines|der|die|das|jede|jeder|jedes) .{10,})`, "Was ist {term}?", "{rest}", true, 0.85),
			r(termDE+` sind (?P<rest>(?:die|alle|diejenigen|eine) .{10,})`, "Was sind {term}?", "{rest}", true, 0.7),
			r(termDE+` war (?P<rest>(?:ein|eine|einer|der|die|das) .{10,})`, "Wer oder was war {term}?", "{rest}", false, 0.6),
		},
		"no": {
			r(`Med `+inner+` (?:menes|mener man|forstås|forstår man) `+rest, "Hva menes med {term}?", "{rest}", true, 0.95),
			r(termNO+` (?:betegner|betyr) `+rest, "Hva betyr {term}?", "{rest}", true, 0.85),
			r(termNO+` består av `+rest, "Hva består {term} av?", "{rest}", false, 0.75),
			r(termNO+` er (?P<rest>(?:`+form+`|en|et|ei|den|det|de|når|alle) .{10,})`, "Hva er {term}?", "{rest}", true, 0.85),
			r(termNO+` var (?P<rest>(?:en|et|ei|den|det|de) .{10,})`, "Hvem eller hva var {term}?", "{rest}", false, 0.6),
		},
		"da": {
			r(`Ved `+inner+` forstås `+rest, "Hvad forstås ved {term}?", "{rest}", true, 0.95),
			r(`Med `+inner+` (?:menes|mener man) `+rest, "Hvad menes med {term}?", "{rest}", true, 0.95),
			r(termNO+` (?:betegner|betyder) `+rest, "Hvad betyder {term}?", "{rest}", true, 0.85),
			r(termNO+` består af `+rest, "Hvad består {term} af?", "{rest}", false, 0.75),
			r(termNO+` er (?P<rest>(?:`+form+`|en|et|den|det|de|når|alle) .{10,})`, "Hvad er {term}?", "{rest}", true, 0.85),
			r(termNO+` var (?P<rest>(?:en|et|den|det|de) .{10,})`, "Hvem eller hvad var {term}?", "{rest}", false, 0.6),
		},
		"sv": {
			r(`Med `+inner+` (?:menas|menar man|avses) `+rest, "Vad menas med {term}?", "{rest}", true, 0.95),
			r(termNO+` (?:betecknar|betyder) `+rest, "Vad betyder {term}?", "{rest}", true, 0.85),
			r(termNO+` består av `+rest, "Vad består {term} av?", "{rest}", false, 0.75),
			r(termNO+` är (?P<rest>(?:`+form+`|en|ett|den|det|de|när|alla) .{10,})`, "Vad är {term}?", "{rest}", true, 0.85),
			r(termNO+` var (?P<rest>(?:en|ett|den|det|de) .{10,})`, "Vem eller vad var {term}?", "{rest}", false, 0.6),
		},
		"fr": {
			r(termFR+` désigne(?:nt)? `+rest, "Que désigne {term} ?", "{rest}", true, 0.85),
			r(termFR+` signifie(?:nt)? `+rest, "Que signifie {term} ?", "{rest}", true, 0.85),
			r(termFR+` (?:se compose|est composée?|est constituée?) (?P<rest>d(?:e|es|u|['’]\S+) .{10,})`, "De quoi se compose {term} ?", "{rest}", false, 0.75),
			r(termFR+` est (?P<rest>(?:une?|l[ea]|l['’]\S+|toute?) .{10,})`, "Comment définir {term} ?", "{rest}", true, 0.85),
			r(termFR+` sont (?P<rest>(?:des|les) .{10,})`, "Comment définir {term} ?", "{rest}", true, 0.7),
			r(termFR+` (?:était|fut) (?P<rest>(?:une?|l[ea]) .{10,})`, "Qui ou qu’était {term} ?", "{rest}", false, 0.6),
		},
		"es": {
			r(termES+` (?:designa|denota)n? `+rest, "¿Qué designa {term}?", "{rest}", true, 0.85),
			r(termES+` significan? `+rest, "¿Qué significa {term}?", "{rest}", true, 0.85),
			r(termES+` (?:se compone|consta|está compuest[oa]|está formad[oa]) (?P<rest>(?:de|del|por) .{10,})`, "¿De qué se compone {term}?", "{rest}", false, 0.75),
			r(termES+` es (?P<rest>(?:una?|el|la|cualquier|toda?o?) .{10,})`, "¿Qué es {term}?", "{rest}", true, 0.85),
			r(termES+` son (?P<rest>(?:unos|unas|los|las) .{10,})`, "¿Qué son {term}?", "{rest}", true, 0.7),
			r(termES+` (?:era|fue) (?P<rest>(?:una?|el|la) .{10,})`, "¿Quién o qué era {term}?", "{rest}", false, 0.6),
		},
	}
})

// define returns the sentence's definition, if it is one.
func (m *reading) define(s sentence) (definition, bool) {
	if d, ok := m.explain(s); ok {
		return d, true
	}
	if before, _, again := strings.Cut(s.text, "—that is"); again { // in other words, which make it long
		s.text, s.words = before+".", s.words[:len(splitWords(before))]
	}
	if !s.readable() || !s.selfContained() {
		return definition{}, false
	}
	text := upperFirst(field().ReplaceAllString(strings.TrimRight(s.text, ".!"), ""))
	for _, r := range rules()[m.tongue.code] {
		groups := r.pattern.FindStringSubmatch(text)
		if groups == nil {
			continue
		}
		group := func(name string) string {
			if i := r.pattern.SubexpIndex(name); i >= 0 {
				return groups[i]
			}
			return ""
		}
		term := parenthesis.ReplaceAllString(group("term"), "")
		if d, ok := m.definition(s, r, group("article"), term, group("as"), group("rest")); ok {
			d.begin, d.verb = begin(strings.TrimRight(s.text, ".!"), strings.TrimSpace(group("article")+" "+group("term")), group("rest"))
			return d, true
		}
	}
	return definition{}, false
}

// field is what a definition may begin with: "In mathematics, a Hermitian matrix is …".
var field = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(?:In|En) [^,;:.]{3,40}, `) })

// begin returns what stands before the rest of the text, and what of that stands behind
// the subject; nothing if the text doesn't begin with that.
func begin(text, subject, rest string) (all, verb string) {
	all = strings.TrimSuffix(text, rest)
	verb, ok := strings.CutPrefix(all, subject)
	if !ok {
		return "", ""
	}
	return all, verb
}

// explained is a line of a list or a slide: "Main memory: fast, small and temporary".
var explained = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(\p{Lu}[^\s:,;.!?()]+(?: [^\s:,;.!?()]+){0,3})(?:: | – )(\S.{14,240}?)[.;]?$`)
})

// colon is the verb of such a line.
const colon = ": "

// explain returns what the line says of the term before its colon or dash.
func (m *reading) explain(s sentence) (definition, bool) {
	groups := explained().FindStringSubmatch(s.text)
	if groups == nil || s.isBroken() || s.isGlued() || isTitled(groups[2]) || s.isFormula() || s.isFrontMatter() || calls().MatchString(s.text) {
		return definition{}, false
	}
	term, rest := groups[1], groups[2]
	l := lists()
	words := splitWords(term)
	for _, w := range words {
		if lower, _, _ := strings.Cut(strings.ToLower(strings.ReplaceAll(w.text, "’", "'")), "'"); l.labels[lower] || l.general[lower] || l.leaning[lower] {
			return definition{}, false
		}
	}
	speaker := len(words) > 1 && strings.ToUpper(term) == term
	if first, _ := utf8.DecodeRuneInString(rest); unicode.IsDigit(first) { // a score or a range
		return definition{}, false
	}
	if len(words) == 0 || stopped(words[len(words)-1].text) || speaker || m.hollow(rest) || len(splitWords(rest)) < 4 || strings.Contains(rest, colon) || strings.HasSuffix(rest, "?") {
		return definition{}, false
	}
	d := definition{
		sentence: s, term: term, key: stems(term), front: fmt.Sprintf(m.tongue.text.about, term), back: upperFirst(rest), trust: 0.7,
	}
	d.which = !shares(d.key, stems(rest))
	d.begin, d.verb = begin(s.text, term, s.text[strings.LastIndex(s.text, rest):])
	return d, true
}

// isTitled reports whether the text is written like a title or a list of names.
func isTitled(text string) bool {
	capitals, words := 0, splitWords(text)
	for _, w := range words {
		if first, _ := utf8.DecodeRuneInString(w.text); unicode.IsUpper(first) {
			capitals++
		}
	}
	return capitals*2 > len(words)
}

var parenthesis = regexp.MustCompile(`\s*\([^)]*\)`)

func (m *reading) definition(s sentence, r rule, article, term, as, rest string) (definition, bool) {
	if !m.isTerm(term) && (as == "" || !variable(term)) || m.hollow(rest) || (as != "" && !m.isTerm(as) && stopped(as)) {
		return definition{}, false
	}
	shown := term
	trust := r.trust
	if article == "" {
		shown = m.lowerFirst(term)
	} else { // behind an article, a capital is the term's own
		shown = strings.ToLower(article) + " " + term
		if definite[article] && !strings.Contains(term, " ") && as == "" {
			trust -= 0.25 // "The company is a party": which?
		}
	}
	if s.lead {
		trust += 0.04
	}
	if len(s.words) > 30 {
		trust -= 0.1
	}
	fill := strings.NewReplacer("{term}", shown, "{as}", as, "{rest}", rest)
	d := definition{sentence: s, term: term, front: fill.Replace(r.front), back: upperFirst(fill.Replace(r.back)), trust: trust}
	d.which = r.which && !shares(stems(term), stems(rest))
	if as != "" {
		d.term = as
	}
	d.key = stems(d.term)
	return d, true
}

// variable reports whether the term is one letter, which stands for the thing that
// the rest of the sentence names.
func variable(term string) bool {
	r, size := utf8.DecodeRuneInString(term)
	return size == len(term) && unicode.IsLetter(r)
}

var definite = map[string]bool{"The": true, "Der": true, "Die": true, "Das": true, "Den": true, "Det": true, "De": true}

// isTerm reports whether the words can be what a definition is about.
func (m *reading) isTerm(term string) bool {
	words := splitWords(term)
	if len(words) == 0 || utf8.RuneCountInString(term) < 3 || strings.ContainsAny(term, `()[]"`) {
		return false
	}
	first, last := words[0], words[len(words)-1]
	if m.tongue.code == "en" && len(words) == 1 && participle(first.text) { // "Plotted is …"
		return false
	}
	if stopped(first.text) || stopped(last.text) || lists().leaning[strings.ToLower(first.text)] || vague[strings.ToLower(last.text)] {
		return false
	}
	for i, w := range words {
		if verbs[strings.ToLower(w.text)] || i > 0 && w.after || i > 0 && stopped(w.text) && !joining[strings.ToLower(w.text)] {
			return false
		}
		if utf8.RuneCountInString(w.text) == 1 && i == len(words)-1 && len(words) == 1 {
			return false
		}
	}
	return m.tongue.code != "de" || first.capital() || last.capital()
}

// participle reports whether the English word looks like one.
func participle(text string) bool {
	return len(text) > 5 && strings.HasSuffix(text, "ed") && !strings.HasSuffix(text, "eed")
}

// joining words may stand inside a term.
var joining = map[string]bool{"of": true, "the": true, "and": true, "in": true, "for": true, "to": true, "a": true, "by": true, "with": true,
	"von": true, "der": true, "des": true, "und": true, "für": true, "zu": true, "im": true, "auf": true, "einer": true, "eines": true,
	"de": true, "du": true, "la": true, "le": true, "les": true, "à": true, "et": true, "del": true, "el": true, "los": true, "las": true, "y": true, "en": true,
	"av": true, "og": true, "på": true, "och": true, "i": true, "af": true, "til": true, "till": true}

// verbs betray that a term is in fact a clause.
var verbs = map[string]bool{"said": true, "says": true, "believed": true, "argued": true, "noted": true, "think": true, "know": true, "want": true,
	"happens": true, "occurs": true, "remains": true, "becomes": true, "wrote": true, "stated": true, "if": true, "because": true, "that": true, "which": true, "who": true}

// vague terms mean something only where they stand.
var vague = map[string]bool{"result": true, "results": true, "reason": true, "goal": true, "aim": true, "problem": true, "case": true, "example": true,
	"point": true, "question": true, "answer": true, "idea": true, "way": true, "thing": true, "difference": true, "purpose": true, "truth": true,
	"company": true, "amount": true, "drawback": true, "advantage": true, "benefit": true, "crisis": true, "number": true, "level": true, "step": true,
	"rest": true, "one": true, "nachteil": true, "vorteil": true, "anzahl": true, "vorlesung": true, "following": true, "table": true, "figure": true, "chapter": true, "section": true, "author": true, "authors": true,
	"beispiel": true, "abbildung": true, "ziel": true, "grund": true, "problem.": true, "frage": true, "kapitel": true, "abschnitt": true, "beweis": true,
	"eksempel": true, "figur": true, "tabell": true, "kapittel": true, "mål": true, "exempel": true, "day": true, "year": true, "time": true, "choice": true}

// hollow reports whether what is said of a term says nothing by itself.
func (m *reading) hollow(rest string) bool {
	lower := strings.ToLower(rest)
	for _, start := range []string{"that ", "dass ", "qu'", "qu’", "que ", "at ", "att ", "the same", "the case", "the result", "the reason", "a result", "a matter", "the following", "an example", "the first", "the second", "for example", "zum beispiel", "for eksempel", "par exemple", "por ejemplo", "beweis ", "proof ", "bevis ",
		"the last", "a good ", "the only", "the subject of", "a lot", "a few", "a bit", "the one", "der fall", "die folge", "das gleiche", "dasselbe", "eine folge",
		"die gleiche", "det samme", "det samma", "et eksempel", "ein beispiel", "en av de"} {
		if strings.HasPrefix(lower, start) {
			return true
		}
	}
	words := splitWords(lower)
	return len(stems(rest)) < 2 || strings.HasSuffix(lower, ":") || strings.HasSuffix(lower, ",") || cutOff[words[len(words)-1].text] || m.speaks(words)
}

// cutOff are words that no sentence ends in: the rest stands in another line.
var cutOff = set(strings.Fields(`the a an of on in at for with to from by and or than as that which der die das des dem den ein eine und oder mit von zu für auf
en et ei og eller av på med til og för och af le la les un une de du des et ou el los las del y o con para`))

// lowerFirst puts the first letter into lower case unless the word is written
// with a capital inside sentences, too: a name may have both, as Mozilla in mozilla.org.
func (m *reading) lowerFirst(term string) string {
	first, _, more := strings.Cut(term, " ")
	if m.upper[first] || m.tongue.code == "de" && !m.lower[strings.ToLower(first)] {
		return term
	}
	runes := []rune(term)
	for i, r := range runes {
		if i > 0 && unicode.IsUpper(r) && (i < len([]rune(first)) || more && !m.lower[strings.ToLower(first)]) {
			return term // DNA, Gauss curve
		}
	}
	return strings.ToLower(string(runes[:1])) + string(runes[1:])
}

func upperFirst(text string) string {
	r, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(r)) + text[size:]
}

// shares reports whether the lists have an element in common.
func shares(a, b []string) bool {
	for _, x := range a {
		for _, y := range b {
			if x == y {
				return true
			}
		}
	}
	return false
}

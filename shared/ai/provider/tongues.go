package provider

var english = tongue{
	code: "en",
	stops: `a about above across after again against ago all almost along already also although always am among an and another any anyone
anything are around as at away back be became because become becomes been before began behind being below between both but by came can
cannot come comes could did do does doing done down due during each either else end enough especially even ever every few first for
found four from further gave general get give given gives go goes going gone got had has have having he hence her here herself him
himself his how however i if in including indeed inside outside instead into is it its itself just kept known large last later least led less let like
likely long made main mainly make makes making many may me might more most mostly much must my near nearly need needs neither never new
next no nor not nothing now of off often old on once one ones only onto or other others our out over own part particular per perhaps put quite
rather really said same saw say says second see seen several shall she should show showed shown shows since six small so some something
sometimes still such take taken takes than that the their them themselves then there thereby therefore these they thing things third this
those though three through throughout thus to together too took toward towards two under until up upon us use used uses using usually
various very via was way ways we well went were what when where whereas whether which while who whole whom whose why will with within
without would yet you your yes don't it's i'm that's we're they're can't won't let's folks today`,
	nouns:   "the a an of in by for with this these each on to from into between their its his her our some many and or as",
	persons: "i i'm i've i'll i'd we we're we've we'll us our ours me my you you're your yours let's it's folks",
	everyday: `ability access accordance account action activity advance advantage aim amount analysis approach area aspect attempt attention basis beginning
behavior behaviour benefit capacity cause center centre century challenge chance change character characteristic choice claim combination comment
comparison component concept conclusion condition connection consequence context contrast contribution country course date decade decision decline
decrease degree description detail determination development difference difficulty direction discussion effect effort element evaluation event excess
existence experience explanation extent factor failure feature final focus future goal half hand help history hour idea impact implementation
importance impression improvement increase indication interest interview introduction investigation item job length life limit line link lives loss
manner maximum mean means measure method middle minimum minute mistake moment month object objective opinion opportunity option origin outcome output
past pattern percentage performance period phase picture plan position possibility practice presentation problem procedure process product project
property proportion proposal purpose quality quantity rate ratio record reduction reference relation relationship report request requirement research
resource respect response responsibility restriction return review right role rule scale scene season sense sequence series setting shape share side
sign significance site situation size solution source stage standard start step stop story style subject success suggestion sum support task team test
title tonight tool top transition trend trip truth turn unit usage user value variety version view week west winner world`,
	text: texts{
		preface: "No language model is connected, so this is not a written answer: these are the sentences of your material that fit the question best.",
		nothing: "I found nothing in your material that fits this question. No language model is connected; I can only quote from the material.",
		cloze:   "Fill in the gap: %s",
		which:   "Which term does this describe? %s",
		truth:   "True or false? %s",
		options: [2]string{"True", "False"},
		instead: "In the material it is %s.",
		hint:    "It has %d letters and starts with %s.",
		about:   "What does the material say about “%s”?",
	},
}

var norwegian = tongue{
	code: "no",
	stops: `alle alt andre at av bare ble bli blir blitt både da de deg dem den denne der dere deres det dette din disse dog du eg ein eit en
enn er et etter finnes for fordi fra få får før først gjennom gjør gjøre gå går ha hadde han hans har hele hennes her hos hun hva hvem hver
hvilke hvilken hvis hvor hvordan hvorfor i ifølge ikke imellom inn innen inntil jeg kalles kalt kan kom kommer kunne man mange med meg mellom men mer mest
mindre minst mot mye må måtte ned noe noen nok nå når og også om opp oss over på samme samt seg selv siden sin sine sitt skal skulle slik som
store så tidligere til tilbake under ut uten var ved vi via vil ville vår være vært å også brukes bruker ofte består blant hvorav`,
	nouns:   "en et ei den det denne dette av i på for med til fra som og eller om mellom under ved gjennom hver flere",
	persons: "jeg vi oss vår vårt våre min mitt mine du deg din ditt dine",
	everyday: `arbeid arbeidet betydning bruk effekt forbindelse forhold forskjell forslag gang grunn innhold løsning metode mulighet måned måte område oppgave
ordning periode plan problem prosess prosjekt punkt rekke rekkefølge retning side spørsmål standard sted størrelse tidspunkt tillegg uke utvikling
valg verdi virkning årsak`,
	text: texts{
		preface: "Ingen språkmodell er koblet til, så dette er ikke et skrevet svar: det er setningene i materialet ditt som passer best til spørsmålet.",
		nothing: "Jeg fant ingenting i materialet ditt som passer til spørsmålet. Ingen språkmodell er koblet til; jeg kan bare sitere materialet.",
		cloze:   "Fyll inn det som mangler: %s",
		which:   "Hvilket begrep beskrives her? %s",
		truth:   "Sant eller usant? %s",
		options: [2]string{"Sant", "Usant"},
		instead: "I materialet er det %s.",
		hint:    "Svaret har %d bokstaver og begynner på %s.",
		about:   "Hva sier materialet om «%s»?",
	},
}

var swedish = tongue{
	code: "sv",
	stops: `alla allt andra att av bara bli blir blev blivit både de dem den denna deras dess dessa det detta dig din ditt du där därför då efter
eftersom eller en enligt ett finns flera från för före får få genom gör göra går gå ha hade han hans har hela hennes henne hon hos hur här i
icke ifrån igen in inom inte ingen inget jag ju kallas kan kom kommer kunde kunna man med mellan men mer mest mindre minst mot mycket måste ned ni nog nu när någon något
några och också om oss på samma samt sedan sig sin sina sitt ska skall skulle som stora så sådan till tidigare under upp ut utan vad var vara varit varje varför
vem vi via vid vilka vilken vilket vill är även över används ofta består bland`,
	nouns:   "en ett den det denna detta av i på för med till från som och eller om mellan under vid genom varje flera",
	persons: "jag vi oss vår vårt våra min mitt mina du dig din ditt dina",
	everyday: `användning arbete betydelse effekt fråga förbindelse förhållande förslag gång innehåll lösning metod månad möjlighet område ordning orsak period plan
problem process projekt punkt riktning skillnad skäl standard storlek ställe sätt tidpunkt tillägg uppgift utveckling val vecka verkan värde årsak`,
	text: texts{
		preface: "Ingen språkmodell är ansluten, så detta är inget skrivet svar: det är de meningar i ditt material som passar frågan bäst.",
		nothing: "Jag hittade inget i ditt material som passar frågan. Ingen språkmodell är ansluten; jag kan bara citera materialet.",
		cloze:   "Fyll i luckan: %s",
		which:   "Vilket begrepp beskrivs här? %s",
		truth:   "Sant eller falskt? %s",
		options: [2]string{"Sant", "Falskt"},
		instead: "I materialet är det %s.",
		hint:    "Svaret har %d bokstäver och börjar på %s.",
		about:   "Vad säger materialet om ”%s”?",
	},
}

var danish = tongue{
	code: "da",
	stops: `af alle alt anden andet andre at bare blev blive bliver både da de dem den denne der deres det dette dig din disse dog du efter eller
en end er et findes flere for fordi fra få får før først gennem gør gøre gå går ham han hans har havde have hele hendes her hos hun hvad hvem hver
hvilke hvilken hvis hvor hvordan hvorfor i ifølge ikke imellem ind inden indtil jeg kaldes kan kom kommer kunne man mange med meget mellem men mere mest
mig min mindre mindst mod må måtte ned noget nogle nok nu når og også om op os over på samme samt selv siden sig sin sine sit skal skulle som
store så tidligere til tilbage ud uden under var ved vi via vil ville vores være været bruges bruger ofte består blandt`,
	nouns:   "en et den det denne dette af i på for med til fra som og eller om mellem under ved gennem hver flere",
	persons: "jeg vi os vores min mit mine du dig din dit dine",
	everyday: `arbejde betydning brug effekt forbindelse forhold forskel forslag gang grund indhold løsning metode mulighed måde måned område opgave ordning periode
plan problem proces projekt punkt retning række rækkefølge side spørgsmål standard sted størrelse tidspunkt tillæg udvikling uge valg virkning værdi
årsag`,
	text: texts{
		preface: "Ingen sprogmodel er tilsluttet, så dette er ikke et skrevet svar: det er de sætninger i dit materiale, der passer bedst til spørgsmålet.",
		nothing: "Jeg fandt intet i dit materiale, der passer til spørgsmålet. Ingen sprogmodel er tilsluttet; jeg kan kun citere materialet.",
		cloze:   "Udfyld det, der mangler: %s",
		which:   "Hvilket begreb beskrives her? %s",
		truth:   "Sandt eller falsk? %s",
		options: [2]string{"Sandt", "Falsk"},
		instead: "I materialet er det %s.",
		hint:    "Svaret har %d bogstaver og begynder med %s.",
		about:   "Hvad siger materialet om »%s«?",
	},
}

var german = tongue{
	code: "de",
	stops: `aber alle allem allen aller alles als also am an andere anderen anderer anderes auch auf aus außer bei beide beiden beim bereits bis
bzw da dabei dadurch dafür daher damit danach dann daran darauf daraus darin das dass davon dazu dem den denen denn der deren des dessen
die die dies diese diesem diesen dieser dieses doch dort durch ebenfalls ebenso eben ein eine einem einen einer eines einige einigen er erst es etwa
euch fast folgende folgenden folgt für gab ganz gar gegen genau genannt gibt gilt gemäß haben hat hatte hatten heißen heißt hier hin hinter ich ihm ihn ihnen ihr ihre
ihrem ihren ihrer im immer in indem ins insbesondere ist ja je jede jedem jeden jeder jedes jedoch jene kann kein keine keinen können konnte
könnte lässt man mehr mehrere mein meist meisten mit muss müssen nach nachdem neben nennt nicht nichts noch nun nur ob obwohl oder oft ohne pro
schon sehr sei seien sein seine seinem seinen seiner seit sich sie sind so sobald sodass sofern sogar solche solcher soll sollen sondern
sonst sowie sowohl statt trotz über um und uns unser unter usw viel viele vielen vom von vor während wann war waren warum was weder wegen
weil weitere weiteren weiterer welche welchem welchen welcher welches wenn wer werden wie wieder will wir wird wo wobei wurde wurden würde z zu zudem zum zur
zwar zwei zwischen sodann mittels dabei hierbei beispielsweise beziehungsweise jeweils analog ebenso falls betrachte zeige sowie`,
	nouns:   "der die das den dem des ein eine einen einem einer eines von vom in im für mit zu zum zur durch aus jede jeder jedes und oder als",
	persons: "wir uns unser unsere unserem unseren unserer ich mein meine mir mich du dein deine dir dich",
	everyday: `absicht aktion anfang angabe anwendung arbeit aufbau aufgabe auswahl bedeutung bedingung beginn begriff behauptung bereich bericht betrachtung
beziehung ding eigenschaft einheit element ende entscheidung entwicklung erfahrung erklärung fakt fehler folge frage gegenstand grund größe hand hilfe
idee inhalt jahrhundert kosten leute liste lösung methode mittel moment monat möglichkeit ort paar platz problem produkt projekt prozess qualität
rahmen regel reihe reihenfolge richtung rolle sache schritt sinn situation stelle stunde stück tatsache thema umfang unterschied ursache verfahren
vergleich verhältnis versuch voraussetzung vorgang vorstellung wahl weg weise wert wesen wirkung woche wort ziel zukunft zusammenhang zustand zweck
überlegung`,
	text: texts{
		preface: "Es ist kein Sprachmodell angeschlossen; dies ist daher keine ausformulierte Antwort, sondern die Sätze aus deinem Material, die am besten zur Frage passen.",
		nothing: "In deinem Material habe ich nichts gefunden, das zu dieser Frage passt. Es ist kein Sprachmodell angeschlossen; ich kann nur aus dem Material zitieren.",
		cloze:   "Ergänze die Lücke: %s",
		which:   "Welcher Begriff wird hier beschrieben? %s",
		truth:   "Wahr oder falsch? %s",
		options: [2]string{"Wahr", "Falsch"},
		instead: "Im Material steht %s.",
		hint:    "Die Antwort hat %d Buchstaben und beginnt mit %s.",
		about:   "Was steht im Material über „%s“?",
	},
}

var french = tongue{
	code: "fr",
	stops: `afin ai ainsi alors après au aucun aucune aussi autre autres aux avait avant avec avoir beaucoup ce ceci cela celle celles celui
cependant certaines certains ces cet cette ceux chaque chez comme contre dans depuis des deux devant doit doivent donc dont du elle elles en encore enfin ensuite
entre est et eu eux fait faire faut font il ils jamais je jusque la laquelle le lequel les lesquels leur leurs lors lorsque lui mais me mes moins mon même mêmes
ne ni nos notre nous on ont où ou par parce parfois pas pendant peu peut peuvent plusieurs plutôt pour pourquoi puis puisque qu quand que quel quelle quelles quels
qui quoi sa se selon sera seront ses seulement si sinon soit sont souvent sous sur tandis telle telles tels toujours tous tout toute toutes
trois très trop un une vers voici voilà vos votre vous y à ça était étaient été être`,
	nouns:   "le la les un une des du de au aux en dans par pour sur sous avec sans chaque ce cet cette ces leur leurs et ou entre vers",
	persons: "je j'ai nous notre nos vous votre vos mon mes tu ton tes",
	everyday: `action aide ajout analyse année avantage besoin bout cadre caractère cause changement chemin choix chose condition contexte côté description
différence durée début défaut détail développement effet ensemble existence façon fin forme gens heure idée jour lieu limite liste main manière mesure
mise mois moment moyen méthode niveau nom nombre objet occasion option ordre origine plan position possibilité problème processus procédure produit
projet période qualité raison rapport rôle semaine situation siècle solution sorte source suite sujet taille temps terme titre travail tête usage
utilisateur utilisation valeur vie vue élément étape état`,
	text: texts{
		preface: "Aucun modèle de langue n’est connecté : ceci n’est donc pas une réponse rédigée, mais les phrases de tes documents qui correspondent le mieux à la question.",
		nothing: "Je n’ai rien trouvé dans tes documents qui corresponde à cette question. Aucun modèle de langue n’est connecté ; je ne peux que citer les documents.",
		cloze:   "Complète la phrase : %s",
		which:   "Quel terme est décrit ici ? %s",
		truth:   "Vrai ou faux ? %s",
		options: [2]string{"Vrai", "Faux"},
		instead: "Dans les documents, c’est %s.",
		hint:    "La réponse compte %d lettres et commence par %s.",
		about:   "Que disent les documents sur « %s » ?",
	},
}

var spanish = tongue{
	code: "es",
	stops: `además ahora al algo algún alguna algunas algunos ambos ante antes aquel aquella aquellas aquellos aquí así aunque bajo bastante bien cada casi
como con contra cual cuales cualquier cuando cuya cuyo de debe deben debido del desde después donde dos durante el ella ellas ellos en entonces entre 
es esa esas ese eso esos esta estaba estas este esto estos está están fue fueron gran ha haber había hacia han hasta la las le les lo los luego
me mediante menos mi mientras misma mismo mucha muchas mucho muchos muy más ni ningún ninguna no nos nosotros nuestra nuestro nunca o otra otras otro otros
para pero poca poco porque pues puede pueden que quien quienes qué se sean según ser si sido siempre sino sobre su sus sí también tampoco tanto
tiene tienen toda todas todo todos tres tu un una unas uno unos usted varias varios ya y él`,
	nouns:   "el la los las un una unos unas de del al en por para con sin sobre entre cada este esta estos estas su sus y o",
	persons: "yo nosotros nuestra nuestro nuestras nuestros mi mis tú tu tus usted ustedes",
	everyday: `acción análisis ayuda año base cambio camino cantidad capacidad característica caso causa condición contenido contexto cosa cuenta cuestión decisión
desarrollo descripción detalle diferencia dirección día efecto elección elemento estado fecha fin forma gente grupo hecho hora idea interés lado lista
lugar manera mano medida medio mes modo momento método nivel nombre número objetivo objeto opción orden origen parte paso persona plan posibilidad
posición problema proceso producto proyecto punto razón relación respuesta resultado semana sentido serie siglo situación solución tamaño tarea tema
tiempo tipo trabajo título uso usuario valor versión vez vida vista`,
	text: texts{
		preface: "No hay ningún modelo de lenguaje conectado, así que esto no es una respuesta redactada: son las frases de tu material que mejor corresponden a la pregunta.",
		nothing: "No he encontrado nada en tu material que corresponda a esta pregunta. No hay ningún modelo de lenguaje conectado; solo puedo citar el material.",
		cloze:   "Completa el hueco: %s",
		which:   "¿Qué término se describe aquí? %s",
		truth:   "¿Verdadero o falso? %s",
		options: [2]string{"Verdadero", "Falso"},
		instead: "En el material es %s.",
		hint:    "La respuesta tiene %d letras y empieza por %s.",
		about:   "¿Qué dice el material sobre «%s»?",
	},
}

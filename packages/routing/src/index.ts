export { acceptJob } from './accept-job.ts';
export type { Acceptance } from './accept-job.ts';
export { adaptLimit } from './adaptive-limit.ts';
export type { CallOutcome } from './adaptive-limit.ts';
export { callOf } from './call.ts';
export type { Call } from './call.ts';
export { droppedParameters, lacks, needsOf } from './capabilities.ts';
export { disagreements } from './catalogue.ts';
export { candidatesInTier } from './choose-model.ts';
export { loadParsers } from './checks/parsed-code.ts';
export { parseJsonAnswer } from './checks/parse-json.ts';
export { subjectOf } from './checks/subject.ts';
export type { Subject } from './checks/subject.ts';
export { classifyBy, seenOf, shippedClassifier } from './classifier/trained.ts';
export type { Seen } from './classifier/trained.ts';
export { modelOfWeights } from './classifier/model.ts';
export type { ClassifierModel } from './classifier/model.ts';
export { promptFeatures } from './classifier/features.ts';
export { classifierToAsk, classifyCalls, instead, readClassification } from './classifier/ask-model.ts';
export { classified, classifierOf, classifierTypeOf } from './classifier/classifier-of.ts';
export { guessDomain } from './classifier/guess-domain.ts';
export { guessTask } from './classifier/guess-task.ts';
export { questionsOfAnswers, questionsOfLabels, refitClassifier } from './classifier/refit.ts';
export type { ClassifierFit, GainedQuestion, Refitted } from './classifier/refit.ts';
export { bareFacts, heuristicClassifier, promptFactsOf } from './classify.ts';
export type { Classifier, PromptFacts } from './classify.ts';
export {
  costAlone,
  costOf,
  costOfJob,
  estimateCost,
  estimateTokens,
  firstModelOf,
  nanoUsdToUsd,
  needsUnder,
  plainUsage,
  priceAt,
  usdToNanoUsd,
} from './cost.ts';
export { crashesOf, precautionFor } from './crashes.ts';
export { acceptanceOf } from './decide/classification.ts';
export { decide } from './decide/index.ts';
export { judgeableResult } from './decide/verdicts.ts';
export type { Command, Decision } from './decide/index.ts';
export { draw } from './draw.ts';
export { gateLabelOf, labelOf, makesLabels } from './gate-labels.ts';
export type { UnseenLabel } from './gate-labels.ts';
export * from './experiments/index.ts';
export type { Facts, Health } from './facts.ts';
export { answerComesFirst, comparisonMessages, judgeCalls, judgeMessages, readComparison, readJudgement } from './judge.ts';
export { FAILS, isOpen, judgesWithin, priceOf, sparedOutcome } from './judging.ts';
export { limitsLearned, LONGEST_WAIT_MS, placesOf } from './places.ts';
export type { LearnedLimit } from './places.ts';
export { answersAgainForMs, sameness, wantsEarlierAnswer } from './earlier-answer.ts';
export type { EarlierAnswer } from './earlier-answer.ts';
export { callsOfStep, hedgeAfterMs } from './hedge-after.ts';
export { finalAttemptOf, hungUntilDeadline, isForAnswer } from './live-attempts.ts';
export { DENIAL_HOLDS_MS, isProbed, whyNotNow, whyOff } from './not-now.ts';
export type { NotNow } from './not-now.ts';
export { isRetry } from './retries.ts';
export { recordingOf } from './recording.ts';
export { badConfig, unknownFeatures } from './bad-config.ts';
export { readJobBody } from './read-job-body.ts';
export { createRedactor } from './redact.ts';
export { calibrate, calibrateThresholds } from './scorer/calibrate.ts';
export type { Calibrated } from './scorer/calibrate.ts';
export type { FittedThresholds } from './scorer/fit-thresholds.ts';
export { logOddsOf, lookOf, scoreAnswer, shippedWeights } from './scorer/score-answer.ts';
export { factsOfAnswer, isKnownGround } from './scorer/features.ts';
export type { AnswerFacts } from './scorer/features.ts';
export { fitProfile } from './scorer/fit-profile.ts';
export { deliveredBy, fitThresholds } from './scorer/fit-thresholds.ts';
export type { LabelledQuestion } from './scorer/fit-thresholds.ts';
export { probabilityOf, rawScore } from './scorer/model.ts';
export type { ScorerWeights } from './scorer/model.ts';
export type { AnswerFinding, AnswerScore } from './scorer/score-answer.ts';
export { checksOf, judgeOutcome, judgesToAsk, runPlainChecks, verdictOf } from './score.ts';
export type { Judge, Judgement } from './score.ts';
export { buyerOf, sampleCalls, samplesToAsk, scoresWithin } from './samples.ts';
export type { WantedSamples } from './samples.ts';
export { savingsOf } from './savings.ts';
export type { RouteCounters } from './savings.ts';
export { savingsCounters } from './savings-counters.ts';
export { readVerification, verifierBody, verifierOutcome, verifiersToAsk } from './verifier.ts';
export type { Verification } from './verifier.ts';
export { fitClassifier, unseenGains } from './training/fit-classifier.ts';
export type { GainRow } from './training/fit-classifier.ts';
export { fitScorer } from './training/fit-scorer.ts';
export type { LabelledAnswer } from './training/fit-scorer.ts';
export { foldOf, FOLDS } from './training/folds.ts';
export { viewOf } from './view.ts';
export { mayChoose, wantsVectors } from './who-may-answer.ts';
export { afterDelivery, longestPauseMs, stepAsideMs } from './webhook-delivery.ts';
export type { DeliveryDecision, DeliveryResult, DeliverySlots } from './webhook-delivery.ts';
export { webhookBody } from './webhook-payload.ts';
export { badWebhookUrl, isPublicAddress } from './webhook-url.ts';

# Fit every reference model with lavaan and write lavaan.json: Rscript fit_lavaan.R FOLDER OUTPUT
#
# FOLDER holds the files of export_data.py. Full-information maximum likelihood, observed information (the
# Hessian at the solution). Every model is fitted from several starts; the best is polished by Newton steps
# until the gradient of the mean log-likelihood is near zero.

source(file.path(dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE))), "shared.R"))

# ---- model syntax, with one label per distinct free parameter and our name for each label ----

model_text <- function(measures, times, between = TRUE, lags = "equal", residuals = "free", means = "free",
                       removed = character(0)) {
  names_of <- character(0) # our names; their position is the number in the label
  label <- function(name) {
    if (!name %in% names_of) names_of <<- c(names_of, name)
    paste0("p", match(name, names_of))
  }
  observed <- function(m, t) paste0(m, "_", times[t])
  within <- function(m, t) paste0("w_", m, "_", times[t])
  pairs <- list()
  for (i in seq_along(measures)) for (j in seq_along(measures)) if (i < j) pairs <- c(pairs, list(measures[c(i, j)]))
  lines <- character(0)
  add <- function(...) lines <<- c(lines, paste0(...))

  for (m in measures) for (t in seq_along(times)) {
    add(within(m, t), " =~ 1*", observed(m, t))
    add(observed(m, t), " ~~ 0*", observed(m, t))
    add(observed(m, t), " ~ ", label(if (means == "equal") paste0("mean ", m) else paste0("mean ", m, ", ", times[t])), "*1")
  }
  if (between) {
    for (m in measures) {
      add("b_", m, " =~ ", paste0("1*", observed(m, seq_along(times)), collapse = " + "))
      add("b_", m, " ~~ ", label(paste("between variance", m)), "*b_", m)
    }
    for (p in pairs) add("b_", p[1], " ~~ ", label(paste0("between covariance ", p[1], ", ", p[2])), "*b_", p[2])
    # random intercepts are independent of the first wave and of every innovation
    for (m in measures) for (n in measures) for (t in seq_along(times)) add("b_", m, " ~~ 0*", within(n, t))
  }
  for (m in measures) add(within(m, 1), " ~~ ", label(paste0("within variance ", m, ", ", times[1])), "*", within(m, 1))
  for (p in pairs) {
    add(within(p[1], 1), " ~~ ", label(paste0("within covariance ", p[1], ", ", p[2], ", ", times[1])), "*", within(p[2], 1))
  }
  for (t in seq_along(times)[-1]) {
    interval <- paste0(", ", times[t - 1], " to ", times[t])
    for (outcome in measures) for (predictor in measures) {
      path <- paste0(predictor, " -> ", outcome)
      weight <- if (path %in% removed) "0" else label(paste0(path, if (lags == "free") interval))
      add(within(outcome, t), " ~ ", weight, "*", within(predictor, t - 1))
    }
    suffix <- if (residuals == "equal") "" else interval
    for (m in measures) add(within(m, t), " ~~ ", label(paste0("innovation variance ", m, suffix)), "*", within(m, t))
    for (p in pairs) {
      add(within(p[1], t), " ~~ ", label(paste0("innovation covariance ", p[1], ", ", p[2], suffix)), "*", within(p[2], t))
    }
  }
  list(text = paste(lines, collapse = "\n"), names = names_of)
}

# ---- fitting ----

start_of <- function(name, carry, trait) {
  if (startsWith(name, "mean ")) return(0)
  if (grepl(" -> ", name)) {
    path <- strsplit(sub(",.*", "", name), " -> ")[[1]]
    return(if (path[1] == path[2]) carry else 0)
  }
  if (grepl("covariance", name)) return(0)
  if (startsWith(name, "between")) return(trait)
  if (startsWith(name, "within")) return(max(1 - trait, 0.2))
  max((1 - trait) * (1 - carry^2), 0.2) # innovation variance
}

fit_once <- function(model, values, se = "none", full = FALSE, ...) {
  table <- lavaanify(model$text, auto = FALSE, meanstructure = TRUE)
  labels <- table$label[table$free > 0][order(table$free[table$free > 0])]
  quietly(lavaan(model$text,
    start = values[as.integer(sub("p", "", labels))], meanstructure = TRUE, estimator = "ML",
    likelihood = "normal", information = "observed", observed.information = "hessian", se = se, h1 = full,
    baseline = FALSE, test = if (full) "standard" else "none", em.h1.iter.max = 50000L,
    em.h1.tol = if (full) 1e-10 else 1e-4, control = list(iter.max = 20000, eval.max = 40000), ...
  ))
}

values_of <- function(fit, model) {
  table <- parTable(fit)
  unname(sapply(seq_along(model$names), function(i) table$est[which(table$label == paste0("p", i))[1]]))
}

# Gradient and Hessian over distinct parameters of half the mean -2 log-likelihood, and the Newton step.
newton <- function(fit, model) {
  table <- parTable(fit)
  rows <- table[table$free > 0, ]
  rows <- rows[order(rows$free), ]
  K <- 1 * outer(rows$label, paste0("p", seq_along(model$names)), "==")
  gradient <- drop(t(K) %*% as.vector(lavInspect(fit, "gradient")))
  hessian <- t(K) %*% unclass(lavInspect(fit, "hessian")) %*% K
  list(gradient = gradient, step = -solve(hessian, gradient), curvature = min(eigen(hessian, TRUE, TRUE)$values))
}

fit_best <- function(model, ...) {
  grid <- list(c(0.3, 0.3), c(0.1, 0.6), c(0.6, 0.1), c(0, 0.4))
  fits <- lapply(grid, function(g) fit_once(model, unname(sapply(model$names, start_of, carry = g[1], trait = g[2])), ...))
  logls <- sapply(fits, function(f) if (lavInspect(f$value, "converged")) f$value@loglik$loglik else -Inf)
  best <- fits[[which.max(logls)]]$value
  for (i in 1:4) {
    move <- newton(best, model)
    if (move$curvature <= 0 || max(abs(move$gradient)) < 1e-10) break
    next_fit <- fit_once(model, values_of(best, model) + move$step, ...)$value
    if (max(abs(newton(next_fit, model)$gradient)) >= max(abs(move$gradient))) break
    best <- next_fit
  }
  final <- fit_once(model, values_of(best, model), se = "standard", full = TRUE, ...)
  list(fit = final$value, warnings = final$warnings, logls = logls, model = model)
}

# ---- results under our names ----

admissibility <- function(values, names_of, measures) {
  # smallest eigenvalue of every covariance matrix the model contains
  kinds <- grep("variance", names_of, value = TRUE)
  blocks <- unique(sub("^(between|within|innovation) variance [^,]+(, )?", "\\1|\\2", grep(" variance ", kinds, value = TRUE)))
  out <- list()
  for (block in blocks) {
    kind <- sub("\\|.*", "", block)
    when <- sub(".*\\|", "", block)
    get <- function(what) values[match(paste0(kind, " ", what, when), names_of)]
    S <- matrix(0, length(measures), length(measures))
    for (i in seq_along(measures)) for (j in seq_along(measures)) if (i <= j) {
      S[i, j] <- S[j, i] <- if (i == j) get(paste0("variance ", measures[i])) else
        get(paste0("covariance ", measures[i], ", ", measures[j]))
    }
    out[[paste0(kind, when)]] <- min(eigen(S, TRUE, TRUE)$values)
  }
  out
}

result <- function(best, measures, baseline) {
  fit <- best$fit
  measured <- withCallingHandlers(fitMeasures(fit, baseline.model = baseline), warning = function(w) {
    # robust versions are computed whether asked for or not, and none is used here
    if (grepl("computation of robust", conditionMessage(w))) invokeRestart("muffleWarning")
  })
  pick <- function(name) unname(as.numeric(measured[name]))
  table <- parTable(fit)
  rows <- sapply(seq_along(best$model$names), function(i) which(table$label == paste0("p", i))[1])
  estimates <- lapply(rows, function(r) list(estimate = table$est[r], se = table$se[r]))
  names(estimates) <- best$model$names
  move <- newton(fit, best$model)
  list(
    converged = lavInspect(fit, "converged"), people = lavInspect(fit, "nobs"),
    npar = as.integer(pick("npar")), logl = pick("logl"), `unrestricted logl` = pick("unrestricted.logl"),
    `-2LL` = -2 * pick("logl"), chisq = pick("chisq"), df = as.integer(pick("df")), p = pick("pvalue"),
    cfi = pick("cfi"), rmsea = pick("rmsea"), aic = pick("aic"), bic = pick("bic"),
    `baseline chisq` = pick("baseline.chisq"), `baseline df` = as.integer(pick("baseline.df")),
    `largest gradient` = signif(max(abs(move$gradient)), 2),
    `smallest curvature` = move$curvature,
    `logl by start` = unname(best$logls),
    `smallest eigenvalues` = admissibility(table$est[rows], best$model$names, measures),
    warnings = as.list(best$warnings),
    estimates = estimates
  )
}

# ---- what is fitted ----

arguments <- commandArgs(trailingOnly = TRUE)
if (length(arguments) != 2) stop("usage: Rscript fit_lavaan.R FOLDER OUTPUT")
folder <- arguments[1]

data_sets <- list(
  help = list(measures = c("alliance", "days"), times = c(6, 12, 18, 24)),
  help_as_given = list(measures = c("alliance", "days"), times = c(6, 12, 18, 24)),
  wages = list(measures = c("hours", "lwage"), times = 1980:1987),
  three = list(measures = c("x", "y", "z"), times = 0:3),
  three_unequal_means = list(measures = c("x", "y", "z"), times = 0:3)
)
plain <- list(
  "riclpm/equal" = list(),
  "riclpm/free" = list(lags = "free"),
  "clpm/equal" = list(between = FALSE),
  "clpm/free" = list(between = FALSE, lags = "free")
)
equal_means <- list("riclpm/equal/means equal" = list(means = "equal"))
variants <- c(
  list("riclpm/equal/residuals equal" = list(residuals = "equal")), equal_means,
  list("riclpm/equal/no days -> alliance" = list(removed = "days -> alliance"))
)
wanted <- list(
  help = c(plain, variants), help_as_given = plain, wages = plain, three = c(plain, equal_means),
  three_unequal_means = c(plain, equal_means)
)

constants <- read.csv(file.path(folder, "scaling.csv"))
described <- list()
fits <- list()
for (name in names(data_sets)) {
  set <- data_sets[[name]]
  frame <- read.csv(file.path(folder, paste0(name, ".csv")))
  columns <- setdiff(names(frame), "person")
  scale <- lapply(set$measures, function(m) {
    as.list(constants[constants$data == name & constants$measure == m, c("centre", "scale")])
  })
  names(scale) <- set$measures
  described[[name]] <- list(
    people = nrow(frame), `observed values` = sum(!is.na(frame[columns])), measures = set$measures,
    times = set$times, scaling = scale
  )
  baseline <- independence(columns, data = frame, missing = "ml")
  for (key in names(wanted[[name]])) {
    options <- wanted[[name]][[key]]
    model <- do.call(model_text, c(set, options))
    best <- fit_best(model, data = frame, missing = "ml")
    fits[[paste0(name, "/", key)]] <- result(best, set$measures, baseline)
    cat(sprintf("%-45s %s\n", paste0(name, "/", key), format(logLik(best$fit), digits = 12)))
  }
}

# ---- a CLPM fitted to the exact moments of a random-intercept panel ----

two <- c("alliance", "days")
exact_moments <- function(carry, trait, trait_r, within_r, waves) {
  corr <- function(r) matrix(c(1, r, r, 1), 2)
  B <- trait * corr(trait_r)
  P <- corr(within_r) # stationary: every wave has the same within covariance
  S <- kronecker(matrix(1, waves, waves), B) + kronecker(carry^abs(outer(1:waves, 1:waves, "-")), P)
  dimnames(S) <- rep(list(paste0(two, "_", rep(seq_len(waves), each = 2))), 2)
  list(cov = S, formula = (B + carry * P) %*% solve(B + P))
}
populations <- list(
  "icc .5, trait r .5, within r 0" = c(0.3, 1, 0.5, 0),
  "icc .5, trait r .35, within r .26" = c(0.3, 1, 0.35, 0.26),
  "icc .7, trait r .5, within r .26" = c(0.3, 7 / 3, 0.5, 0.26)
)
closed <- list()
for (population in names(populations)) {
  p <- populations[[population]]
  entry <- list(
    `carry-over` = p[1], `between variance` = p[2], `between correlation` = p[3], `within variance` = 1,
    `within correlation` = p[4]
  )
  formula <- exact_moments(p[1], p[2], p[3], p[4], 2)$formula
  entry$formula <- list(`carry-over` = formula[1, 1], `cross-lagged` = formula[1, 2])
  for (waves in 2:3) {
    moments <- exact_moments(p[1], p[2], p[3], p[4], waves)
    for (key in names(plain)) {
      options <- plain[[key]]
      if (waves == 2 && (!isFALSE(options$between) || identical(options$lags, "free"))) next
      model <- do.call(model_text, c(list(measures = two, times = seq_len(waves)), options))
      moments_of <- function(fitter, ...) {
        fitter(...,
          sample.cov = moments$cov, sample.mean = setNames(rep(0, 2 * waves), rownames(moments$cov)),
          sample.nobs = 1000, sample.cov.rescale = FALSE
        )
      }
      baseline <- moments_of(independence, rownames(moments$cov))
      entry[[paste0(key, ", ", waves, " waves")]] <- result(moments_of(fit_best, model), two, baseline)
    }
  }
  closed[[population]] <- entry
}

versions <- list(
  lavaan = packageDescription("lavaan")$Version, R = paste(R.version$major, R.version$minor, sep = "."),
  date = as.character(Sys.Date()),
  settings = paste(
    "estimator ML, missing ml (full information), information observed (Hessian), likelihood normal,",
    "h1 by EM to 1e-10, nlminb from four starts, then Newton steps"
  )
)
writeLines(to_json(c(versions, list(data = described, fits = fits, `closed form` = closed))), arguments[2])

# Fit the whole cross-lagged family with lavaan: Rscript fit_lavaan_family.R FOLDER OUTPUT [KEPT]
#
# FOLDER holds the files of export_data.py; KEPT, if given, is a folder of finished fits, so that a stopped run goes
# on. lavaan builds each model and gives its likelihood and gradient. They are minimised here over the distinct free
# parameters, by nlminb from several starts and then Newton steps, because constraints such as a stationary covariance
# are functions of other parameters and lavaan's own standard errors leave out the curvature of these functions. Where
# there is no such constraint lavaan() itself is then run from the solution, and must stay there.

source(file.path(dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE))), "shared.R"))

# ---- model syntax ----

# Numbers the distinct free parameters; several blocks of syntax may share one.
new_registry <- function() {
  names_of <- character(0)
  list(
    label = function(name) {
      if (!name %in% names_of) names_of <<- c(names_of, name)
      paste0("p", match(name, names_of))
    },
    names = function() names_of
  )
}

pairs_of <- function(measures) if (length(measures) < 2) list() else combn(measures, 2, simplify = FALSE)
intervals_of <- function(times) paste(head(times, -1), "to", tail(times, -1))
carries_over <- function(path) { ends <- strsplit(path, " -> ")[[1]]; ends[1] == ends[2] }

# kind: "clpm", "riclpm", "starts", "lcmsr", "dpm" or "alt". What the other arguments do is in README.md.
syntax <- function(measures, times, registry, kind, lags = "equal", residuals = "free", means = "free",
                   remove = character(0), fixed = list(), equal = list(), lag_2 = character(0),
                   trait_loadings = "fixed", error_variance = "none", stationary = FALSE,
                   standardised_lags = "free", covariates = list(), indicators = NULL, invariance = NULL,
                   scope = identity, ...) {
  label <- function(name) {
    if (name %in% names(fixed)) return(format(fixed[[name]], digits = 17))
    for (same in equal) if (name %in% same) name <- same[1]
    registry$label(scope(name))
  }
  lines <- character(0)
  add <- function(...) lines <<- c(lines, paste0(...))
  observed <- function(m, t) paste0(m, "_", times[t])
  within <- function(m, t) paste0("w_", m, "_", times[t])
  waves <- seq_along(times)
  pairs <- pairs_of(measures)
  along <- (times - times[1]) / (times[length(times)] - times[1])
  accumulates <- kind %in% c("dpm", "alt")
  first <- if (accumulates) "first" else "within"
  means_elsewhere <- kind %in% c("lcmsr", "alt") || (!is.null(invariance) && invariance %in% c("configural", "weak"))
  covariances <- function(prefix, variable, when = "") { # a free covariance matrix over measures
    for (m in measures) add(variable(m), " ~~ ", label(paste0(prefix, " variance ", m, when)), "*", variable(m))
    for (p in pairs) {
      add(variable(p[1]), " ~~ ", label(paste0(prefix, " covariance ", p[1], ", ", p[2], when)), "*", variable(p[2]))
    }
  }
  crossing <- function(prefix, row, column, when = "") { # every covariance of one vector with another
    for (m in measures) for (n in measures) {
      add(row(m), " ~~ ", label(paste0(prefix, " ", m, ", ", n, when)), "*", column(n))
    }
  }
  apart <- function(row, column) for (m in measures) for (n in measures) add(row(m), " ~~ 0*", column(n))

  if (!is.null(indicators)) {
    for (m in measures) for (t in waves) for (item in indicators[[m]]) {
      marker <- item == indicators[[m]][1]
      each_wave <- function(name, from) if (match(invariance, c("configural", "weak", "strong", "strict")) < from) {
        label(paste0(name, ", ", times[t]))
      } else label(name)
      loading <- if (marker) "1" else each_wave(paste("loading", item), 2)
      intercept <- if (invariance %in% c("strong", "strict") && marker) "0" else each_wave(paste("item intercept", item), 3)
      add(observed(m, t), " =~ ", loading, "*", observed(item, t))
      add(observed(item, t), " ~ ", intercept, "*1")
      add(observed(item, t), " ~~ ", each_wave(paste("unique variance", item), 4), "*", observed(item, t))
    }
  }
  for (m in measures) for (t in waves) {
    add(within(m, t), " =~ 1*", observed(m, t))
    error <- if (identical(error_variance, "none")) "0" else if (identical(error_variance, "equal")) {
      label(paste("error variance", m))
    } else format(error_variance[[m]], digits = 17)
    add(observed(m, t), " ~~ ", error, "*", observed(m, t))
    mean <- if (means_elsewhere) "0" else
      label(if (means == "equal") paste("mean", m) else paste0("mean ", m, ", ", times[t]))
    add(observed(m, t), " ~ ", mean, "*1")
  }

  trait <- function(m) paste0("b_", m)
  slope <- function(m) paste0("s_", m)
  early <- function(m) within(m, 1)
  if (kind %in% c("riclpm", "starts", "lcmsr")) {
    for (m in measures) for (t in waves) {
      loading <- if (trait_loadings == "free" && t > 1) label(paste0("loading ", m, ", ", times[t])) else "1"
      add(trait(m), " =~ ", loading, "*", observed(m, t))
    }
    covariances("between", trait)
    # random intercepts and slopes are independent of the first wave
    apart(trait, early)
  }
  if (kind == "lcmsr") {
    for (m in measures) {
      for (t in waves) add(slope(m), " =~ ", format(along[t], digits = 17), "*", observed(m, t))
      add(trait(m), " ~ ", label(paste("mean intercept", m)), "*1")
      add(slope(m), " ~ ", label(paste("mean slope", m)), "*1")
    }
    covariances("slope", slope)
    crossing("between with slope", trait, slope)
    apart(slope, early)
  }
  if (accumulates) {
    for (m in measures) for (t in waves[-1]) add(trait(m), " =~ 1*", within(m, t))
    covariances("accumulating", trait)
    crossing("accumulating with first", trait, early)
  }
  if (kind == "alt") {
    for (m in measures) {
      for (t in waves[-1]) add(slope(m), " =~ ", format(along[t], digits = 17), "*", within(m, t))
      add(trait(m), " ~ ", label(paste("mean accumulating", m)), "*1")
      add(slope(m), " ~ ", label(paste("mean accumulating slope", m)), "*1")
      # the states are the scores themselves, not deviations, as lags act on scores
      add(within(m, 1), " ~ ", label(paste0("mean ", m, ", ", times[1])), "*1")
    }
    covariances("accumulating slope", slope)
    crossing("accumulating with accumulating slope", trait, slope)
    crossing("accumulating slope with first", slope, early)
  }

  covariances(first, early, paste0(", ", times[1]))
  for (t in waves[-1]) {
    interval <- paste0(", ", intervals_of(times)[t - 1])
    # with a grid, latent waves that nobody observed stand between these two, one base step apart
    steps <- if (lags == "grid") (times[t] - times[t - 1]) / min(diff(times)) else 1
    at_step <- function(m, step) {
      if (step == 0) within(m, t - 1) else if (step == steps) within(m, t) else paste0(within(m, t), "_step_", step)
    }
    for (step in seq_len(steps)) {
      # a loading of 0 tells lavaan that the variable is latent
      if (step < steps) for (m in measures) add(at_step(m, step), " =~ 0*", observed(m, t))
      for (outcome in measures) for (predictor in measures) {
        path <- paste0(predictor, " -> ", outcome)
        each <- lags == "free" || standardised_lags == "equal"
        weight <- if (path %in% remove) "0" else label(paste0(path, if (each) interval))
        add(at_step(outcome, step), " ~ ", weight, "*", at_step(predictor, step - 1))
        if (path %in% lag_2 && t > 2) {
          add(within(outcome, t), " ~ ", label(paste0(path, ", lag 2")), "*", within(predictor, t - 2))
        }
      }
      alike <- residuals == "equal" || (stationary && lags != "free")
      covariances("innovation", function(m) at_step(m, step), if (alike) "" else interval)
    }
  }

  for (covariate in names(covariates)) for (target in covariates[[covariate]]) for (m in measures) {
    path <- function(to) label(paste0(covariate, " -> ", to))
    if (target == "intercepts") add(trait(m), " ~ ", path(paste(if (accumulates) "accumulating" else "intercept", m)), "*", covariate)
    if (target == "first within") add(early(m), " ~ ", path(paste("within", m)), "*", covariate)
    for (t in waves) {
      at <- if (covariate == "z") paste0(covariate, "_", times[t]) else covariate
      if (target == "each wave") add(observed(m, t), " ~ ", path(paste0(m, ", ", times[t])), "*", at)
      if (target == "every wave alike") add(observed(m, t), " ~ ", path(m), "*", at)
    }
  }
  paste(lines, collapse = "\n")
}

# The covariates as data: their moments are fixed at what maximises the likelihood (they are complete), so that the
# likelihood of measures and covariates less that of the covariates is the likelihood of measures given covariates.
covariate_moments <- function(covariates, times, frame) {
  columns <- unlist(lapply(names(covariates), function(c) if (c == "z") paste0("z_", times) else c))
  if (length(columns) == 0) return(NULL)
  x <- as.matrix(frame[columns])
  stopifnot(!anyNA(x))
  centre <- colMeans(x)
  S <- crossprod(sweep(x, 2, centre)) / nrow(x)
  exact <- function(v) format(v, digits = 17)
  lines <- paste0(columns, " ~ ", exact(centre), "*1")
  for (i in seq_along(columns)) for (j in seq_len(i)) {
    lines <- c(lines, paste0(columns[i], " ~~ ", exact(S[i, j]), "*", columns[j]))
  }
  k <- length(columns)
  list(
    text = paste(lines, collapse = "\n"), columns = columns, moments = k + k * (k + 1) / 2,
    logl = -nrow(x) / 2 * (k * log(2 * pi) + c(determinant(S)$modulus) + k)
  )
}

category <- function(name) {
  if (grepl("^mean ", name)) return("means")
  if (grepl(" -> ", name)) return("lags")
  sub(" .*", "", name) # between, within, innovation
}

# A whole model: syntax, the names of its labelled parameters, and how these follow from the free ones.
model_of <- function(set, spec, frame) {
  registry <- new_registry()
  arguments <- c(set[c("measures", "times")], list(registry = registry), spec[setdiff(names(spec), "groups")])
  if (is.null(spec$groups)) {
    text <- do.call(syntax, arguments)
  } else {
    blocks <- lapply(set$groups, function(g) {
      scope <- function(name) if (category(name) %in% spec$groups$equal) name else paste0(g, ": ", name)
      paste0("group: ", g, "\n", do.call(syntax, c(arguments, list(scope = scope))))
    })
    text <- paste(blocks, collapse = "\n")
  }
  x <- covariate_moments(spec$covariates, set$times, frame)
  labelled <- registry$names()
  model <- list(text = paste(c(text, x$text), collapse = "\n"), labelled = labelled, free = labelled, x = x, implied = identity)
  if (isTRUE(spec$stationary)) model <- stationary(model, set)
  if (identical(spec$standardised_lags, "equal")) model <- standardised(model, set)
  model
}

symmetric <- function(values, prefix, measures, when = "") {
  S <- diag(values[paste0(prefix, " variance ", measures, when)], length(measures))
  for (p in pairs_of(measures)) {
    ij <- match(p, measures)
    S[ij[1], ij[2]] <- S[ij[2], ij[1]] <- values[[paste0(prefix, " covariance ", p[1], ", ", p[2], when)]]
  }
  S
}
put_symmetric <- function(values, S, prefix, measures, when = "") {
  values[paste0(prefix, " variance ", measures, when)] <- diag(S)
  for (p in pairs_of(measures)) {
    ij <- match(p, measures)
    values[[paste0(prefix, " covariance ", p[1], ", ", p[2], when)]] <- S[ij[1], ij[2]]
  }
  values
}
paths_matrix <- function(measures, when = "") outer(measures, measures, function(o, p) paste0(p, " -> ", o, when))

# The endings of the names of lags and innovations: none where they hold for every interval.
when_lagged <- function(model, set) {
  path <- paste(set$measures[1], "->", set$measures[1])
  if (path %in% model$labelled) "" else paste0(", ", intervals_of(set$times))
}

# The same within covariance at every wave: Psi_t = P - Phi_t P Phi_t'.
stationary <- function(model, set) {
  measures <- set$measures
  model$free <- grep("^innovation", model$labelled, value = TRUE, invert = TRUE)
  model$implied <- function(theta) {
    P <- symmetric(theta, "within", measures, paste0(", ", set$times[1]))
    for (when in when_lagged(model, set)) {
      Phi <- matrix(theta[paths_matrix(measures, when)], length(measures))
      theta <- put_symmetric(theta, P - Phi %*% P %*% t(Phi), "innovation", measures, when)
    }
    theta[model$labelled]
  }
  model
}

# Equal standardised lags: Phi_t = D_t S D_(t-1)^-1 with D_t the within-person SDs at t, so that
# diag(P_t) = diag(D_t S R_(t-1) S' D_t) + diag(Psi_t), with R the within-person correlation.
standardised <- function(model, set) {
  measures <- set$measures
  raw <- grep(" -> .* to ", model$labelled, value = TRUE)
  model$free <- c(setdiff(model$labelled, raw), paste("standardized", paths_matrix(measures)))
  model$implied <- function(theta) {
    S <- matrix(theta[paste("standardized", paths_matrix(measures))], length(measures))
    P <- symmetric(theta, "within", measures, paste0(", ", set$times[1]))
    for (interval in paste0(", ", intervals_of(set$times))) {
      Psi <- symmetric(theta, "innovation", measures, interval)
      before <- suppressWarnings(sqrt(diag(P)))
      after <- suppressWarnings(sqrt(diag(Psi) / (1 - diag(S %*% (P / outer(before, before)) %*% t(S)))))
      Phi <- S * outer(after, 1 / before)
      theta[paths_matrix(measures, interval)] <- Phi
      P <- Phi %*% P %*% t(Phi) + Psi
    }
    theta[model$labelled]
  }
  model
}

# ---- maximising ----

start_of <- function(name, carry, trait) {
  name <- sub("^[^:]*: ", "", name)
  begins <- function(word) startsWith(name, word)
  if (begins("loading")) return(1)
  if (grepl("lag 2", name)) return(0)
  if (grepl(" -> ", name)) return(if (carries_over(sub("standardized ", "", sub(",.*", "", name)))) carry else 0)
  if (!grepl("variance", name) || grepl("covariance", name)) return(0) # means, covariances
  if (begins("unique")) return(0.4)
  if (begins("error")) return(0.2)
  if (begins("slope") || begins("accumulating slope")) return(trait / 2)
  if (begins("accumulating")) return(trait * (1 - carry)^2)
  if (begins("first")) return(1)
  if (begins("between")) return(trait)
  if (begins("within")) return(max(1 - trait, 0.2))
  max((1 - trait) * (1 - carry^2), 0.2) # innovation variance
}

# lavaan's object, and its likelihood and gradient as functions of the free parameters.
engine_of <- function(model, estimator = "ML", ...) {
  object <- quietly(lavaan(model$text,
    meanstructure = TRUE, estimator = estimator, likelihood = "normal", fixed.x = FALSE, do.fit = FALSE, se = "none",
    test = "none", h1 = FALSE, baseline = FALSE, em.h1.iter.max = 50000L, ...
  ))$value
  table <- parTable(object)
  rows <- table[table$free > 0, ]
  rows <- rows[order(rows$free), ]
  K <- 1 * outer(rows$label, paste0("p", seq_along(model$labelled)), "==")
  stopifnot(rowSums(K) == 1, nrow(rows) == object@Model@nx.free)
  mapped <- !identical(model$free, model$labelled)
  labelled <- function(theta) model$implied(setNames(theta, model$free))
  jacobian <- function(theta) if (mapped) numDeriv::jacobian(labelled, theta, "complex") else diag(length(theta))
  at <- function(theta) lavaan:::lav_model_set_parameters(object@Model, x = drop(K %*% labelled(theta)))
  value <- function(theta) {
    if (anyNA(labelled(theta))) return(Inf)
    found <- tryCatch(
      as.numeric(lavaan:::lav_model_objective(at(theta), lavsamplestats = object@SampleStats, lavdata = object@Data)),
      error = function(e) Inf
    )
    if (is.finite(found)) found else Inf
  }
  gradient <- function(theta) {
    raw <- lavaan:::lav_model_gradient(at(theta),
      lavsamplestats = object@SampleStats, lavdata = object@Data,
      group.weight = !object@SampleStats@missing.flag # with missing values the groups are weighted already
    )
    drop(t(jacobian(theta)) %*% t(K) %*% as.vector(raw))
  }
  logl <- function(theta) {
    now <- at(theta)
    lavaan:::lav_model_loglik(
      lavdata = object@Data, lavsamplestats = object@SampleStats, lavmodel = now,
      lavimplied = lavaan:::lav_model_implied(now), lavoptions = object@Options
    )$loglik
  }
  list(
    object = object, mapped = mapped, labelled = labelled, jacobian = jacobian, at = at, value = value,
    gradient = gradient, logl = logl, hessian = function(theta) {
      H <- numDeriv::jacobian(gradient, theta)
      (H + t(H)) / 2
    }
  )
}

maximise <- function(model, engine) {
  grid <- list(c(0.3, 0.3), c(0.1, 0.6), c(0.6, 0.1), c(0, 0.4))
  found <- lapply(grid, function(g) {
    theta <- unname(sapply(model$free, start_of, carry = g[1], trait = g[2]))
    nlminb(theta, engine$value, engine$gradient, control = list(iter.max = 5000, eval.max = 10000, rel.tol = 1e-13))
  })
  theta <- found[[which.min(sapply(found, `[[`, "objective"))]]$par
  repeat {
    gradient <- engine$gradient(theta)
    hessian <- engine$hessian(theta)
    if (max(abs(gradient)) < 1e-10) break
    moved <- tryCatch(theta - solve(hessian, gradient), error = function(e) theta)
    if (!is.finite(engine$value(moved)) || max(abs(engine$gradient(moved))) >= max(abs(gradient))) break
    theta <- moved
  }
  list(
    theta = theta, gradient = max(abs(gradient)), hessian = hessian,
    logls = sapply(found, function(f) if (is.finite(f$objective)) engine$logl(f$par) else NA)
  )
}

# ---- how well it fits ----

unrestricted <- function(columns, ...) {
  every <- outer(seq_along(columns), seq_along(columns), ">=")
  text <- c(
    paste0(columns, " ~ 1"), paste0(columns[row(every)[every]], " ~~ ", columns[col(every)[every]])
  )
  object <- quietly(lavaan(paste(text, collapse = "\n"),
    meanstructure = TRUE, likelihood = "normal", fixed.x = FALSE, se = "none", test = "standard", baseline = FALSE,
    em.h1.iter.max = 50000L, em.h1.tol = 1e-11, ...
  ))$value
  list(
    logl = object@h1$loglik, means = object@h1$implied$mean, covariances = object@h1$implied$cov,
    people = object@Data@nobs, columns = lavNames(object, "ov")
  )
}

# `columns` is the order of the variables in `implied`.
srmr <- function(sample, implied, columns) {
  order <- match(columns, sample$columns)
  parts <- sapply(seq_along(sample$means), function(g) {
    S <- sample$covariances[[g]][order, order]
    sd <- sqrt(diag(S))
    residual <- (S - implied$cov[[g]]) / outer(sd, sd)
    of_means <- (drop(sample$means[[g]])[order] - drop(implied$mean[[g]])) / sd
    values <- c(residual[lower.tri(residual, diag = TRUE)], of_means)
    sqrt(mean(values^2))
  })
  people <- unlist(sample$people)
  sum(people * parts) / sum(people)
}

smallest_eigenvalue <- function(lavmodel) {
  matrices <- lavmodel@GLIST[names(lavmodel@GLIST) %in% c("psi", "theta")]
  min(sapply(matrices, function(S) {
    kept <- rowSums(abs(S)) > 0
    if (any(kept)) min(eigen(S[kept, kept, drop = FALSE], TRUE, TRUE)$values) else Inf
  }))
}

# ---- one fit ----

estimates_of <- function(names_of, values, ses) {
  out <- lapply(seq_along(names_of), function(i) list(estimate = unname(values[i]), se = unname(ses[i])))
  setNames(out, names_of)
}
split_groups <- function(estimates, groups) {
  prefix <- sub(": .*", "", names(estimates))
  own <- lapply(setNames(groups, groups), function(g) {
    mine <- estimates[prefix == g & grepl(": ", names(estimates))]
    setNames(mine, sub("^[^:]*: ", "", names(mine)))
  })
  list(shared = estimates[!grepl(": ", names(estimates))], own = own[lengths(own) > 0])
}

# The stationary models by lavaan's own constrained optimiser, from our solution moved a little.
lavaan_constrained <- function(model, engine, best, set, ...) {
  m <- set$measures
  label <- function(name) paste0("p", match(name, model$labelled))
  first <- paste0(", ", set$times[1])
  cell <- function(prefix, i, j, when) if (i == j) label(paste0(prefix, " variance ", m[i], when)) else {
    label(paste0(prefix, " covariance ", m[min(i, j)], ", ", m[max(i, j)], when))
  }
  lag <- function(i, k, when) label(paste0(m[k], " -> ", m[i], when))
  constraints <- character(0)
  for (when in when_lagged(model, set)) for (i in seq_along(m)) for (j in seq_len(i)) {
    terms <- character(0)
    for (k in seq_along(m)) for (l in seq_along(m)) {
      terms <- c(terms, paste(lag(i, k, when), cell("within", k, l, first), lag(j, l, when), sep = "*"))
    }
    constraints <- c(constraints, paste0(
      cell("innovation", i, j, when), " == ", cell("within", i, j, first), " - (", paste(terms, collapse = " + "), ")"
    ))
  }
  start <- parTable(engine$object)
  at <- match(start$label, paste0("p", seq_along(model$labelled)))
  start$est <- ifelse(is.na(at), start$ustart, 0.97 * engine$labelled(best$theta)[at])
  start$est[is.na(start$est)] <- 0
  said <- quietly(lavaan(paste(c(model$text, constraints), collapse = "\n"),
    start = start, meanstructure = TRUE, estimator = "ML", likelihood = "normal", fixed.x = FALSE, se = "none",
    test = "none", h1 = FALSE, baseline = FALSE, control = list(iter.max = 5000, eval.max = 10000), ...
  ))
  fit <- said$value
  list(converged = lavInspect(fit, "converged"), logl = fit@loglik$loglik, warnings = as.list(said$warnings))
}

lavaan_again <- function(model, engine, best, estimator = "ML", se = "standard", test = "standard", ...) {
  start <- parTable(engine$object)
  at <- match(start$label, paste0("p", seq_along(model$labelled)))
  start$est <- ifelse(is.na(at), start$ustart, engine$labelled(best$theta)[at])
  start$est[is.na(start$est)] <- 0
  quietly(lavaan(model$text,
    start = start, meanstructure = TRUE, estimator = estimator, likelihood = "normal", fixed.x = FALSE,
    information = "observed", observed.information = "hessian", h1.information = "structured", se = se, test = test,
    baseline = FALSE, em.h1.iter.max = 50000L, em.h1.tol = 1e-11, ...
  ))
}

# Robust standard errors (Huber and White), with clusters and sampling weights where `spec$design` names their columns.
fit_robust <- function(set, spec, frame, ...) {
  design <- spec$design
  model <- model_of(set, spec[names(spec) != "design"], frame)
  engine <- do.call(engine_of, c(list(model, ..., estimator = "MLR"), design))
  best <- maximise(model, engine)
  again <- do.call(lavaan_again, c(
    list(model, engine, best, estimator = "MLR", se = "robust.huber.white", test = "yuan.bentler.mplus", ...), design
  ))
  table <- parTable(again$value)
  rows <- match(paste0("p", seq_along(model$labelled)), table$label)
  people <- nrow(frame)
  weights <- if (is.null(design$sampling.weights)) rep(1, people) else frame[[design$sampling.weights]]
  stopifnot(lavInspect(again$value, "converged"))
  measured <- fitMeasures(again$value, c("chisq", "df", "chisq.scaling.factor"))
  list(
    people = people, clusters = if (is.null(design$cluster)) people else length(unique(frame[[design$cluster]])),
    `sum of weights` = sum(weights), npar = length(model$free), df = as.integer(measured[["df"]]),
    `-2LL` = -2 * engine$logl(best$theta), chisq = measured[["chisq"]],
    `scaling factor of chisq` = measured[["chisq.scaling.factor"]], `largest gradient` = signif(best$gradient, 2),
    `smallest curvature` = min(eigen(best$hessian, TRUE, TRUE)$values),
    `largest difference of estimates` = signif(max(abs(table$est[rows] - best$theta)), 2),
    warnings = as.list(again$warnings),
    `se from the Hessian` = as.list(setNames(sqrt(diag(solve(people * best$hessian))), model$free)),
    estimates = estimates_of(model$free, best$theta, table$se[rows])
  )
}

fit_one <- function(set, spec, frame, reference, ...) {
  model <- model_of(set, spec, frame)
  if (!is.null(spec$groups)) {
    data <- function(f, model, ...) f(model, group = set$group, ...)
  } else data <- function(f, model, ...) f(model, ...)
  engine <- data(engine_of, model, ...)
  best <- maximise(model, engine)
  groups <- if (is.null(spec$groups)) 1 else length(set$groups)
  people <- sum(unlist(reference$unrestricted$people))
  curvature <- min(eigen(best$hessian, TRUE, TRUE)$values)
  nothing <- matrix(NA, length(model$free), length(model$free))
  covariance <- tryCatch(solve(people * best$hessian), error = function(e) nothing) # where it is singular
  ses <- sqrt(diag(covariance))
  p <- length(unlist(reference$unrestricted$means[1]))
  free <- length(model$free)
  given <- if (is.null(model$x)) 0 else model$x$moments
  joint <- engine$logl(best$theta)
  logl <- joint - (if (is.null(model$x)) 0 else model$x$logl)
  chisq <- 2 * (reference$unrestricted$logl - joint)
  df <- groups * (p + p * (p + 1) / 2) - given - free
  base <- reference$baseline
  now <- engine$at(best$theta)
  over <- max(chisq - df, 0)
  out <- list(
    people = as.integer(people), npar = as.integer(free), df = as.integer(df), `-2LL` = -2 * logl,
    logl = logl, `unrestricted logl` = reference$unrestricted$logl - (if (is.null(model$x)) 0 else model$x$logl),
    chisq = chisq, p = if (df > 0) pchisq(chisq, df, lower.tail = FALSE) else NA,
    cfi = 1 - over / max(base$chisq - base$df, chisq - df, 0),
    rmsea = if (df > 0) sqrt(over / (df * people)) * sqrt(groups) else 0,
    srmr = srmr(reference$unrestricted, lavaan:::lav_model_implied(now), lavNames(engine$object, "ov")),
    aic = -2 * logl + 2 * free, bic = -2 * logl + free * log(people),
    `baseline chisq` = base$chisq, `baseline df` = as.integer(base$df),
    `largest gradient` = signif(best$gradient, 2), `smallest curvature` = curvature,
    `smallest eigenvalue` = smallest_eigenvalue(now), admissible = curvature > 0 && smallest_eigenvalue(now) > -1e-8,
    `logl by start` = best$logls - (joint - logl)
  )
  if (groups > 1) out$`people by group` <- as.list(setNames(unlist(reference$unrestricted$people), set$groups))
  if (!is.null(model$x)) {
    out$`-2LL of measures and covariates` <- -2 * joint
    out$`-2LL of covariates` <- -2 * model$x$logl
  }
  estimates <- estimates_of(model$free, best$theta, ses)
  if (isTRUE(spec$stationary) && !identical(spec$lags, "free")) out$`lavaan by constraints` <- lavaan_constrained(model, engine, best, set, ...)
  if (engine$mapped) {
    values <- engine$labelled(best$theta)
    J <- engine$jacobian(best$theta)
    follow <- !model$labelled %in% model$free
    out$derived <- estimates_of(
      model$labelled[follow], values[follow], sqrt(diag(J %*% covariance %*% t(J)))[follow]
    )
  } else {
    again <- data(lavaan_again, model, engine = engine, best = best, ...)
    table <- parTable(again$value)
    rows <- match(paste0("p", seq_along(model$labelled)), table$label)
    stays <- lavInspect(again$value, "converged")
    measured <- if (stays) fitMeasures(again$value, c("chisq", "df", "srmr")) else c(chisq = NA, df = NA, srmr = NA)
    out$lavaan <- list(
      converged = stays,
      `largest difference of estimates` = signif(max(abs(table$est[rows] - best$theta)), 2),
      `largest relative difference of se` = signif(max(abs(table$se[rows] / ses - 1)), 2),
      chisq = measured[["chisq"]], df = as.integer(measured[["df"]] - given), srmr = measured[["srmr"]],
      warnings = as.list(again$warnings)
    )
  }
  if (groups > 1) {
    parts <- split_groups(estimates, set$groups)
    out$estimates <- parts$shared
    out$`estimates by group` <- parts$own
  } else out$estimates <- estimates
  out
}

# ---- what is fitted ----

arguments <- commandArgs(trailingOnly = TRUE)
if (!length(arguments) %in% 2:3) stop("usage: Rscript fit_lavaan_family.R FOLDER OUTPUT [KEPT]")
folder <- arguments[1]
kept <- if (length(arguments) == 3) arguments[3] else tempfile("kept")
dir.create(kept, showWarnings = FALSE)

two <- c("x", "y")
simulated <- function(waves, ...) list(measures = two, times = seq_len(waves) - 1, ...)
data_sets <- list(
  help = list(measures = c("alliance", "days"), times = c(6, 12, 18, 24)),
  wages5 = list(measures = c("hours", "lwage"), times = 1980:1984),
  wages5_missing = list(measures = c("hours", "lwage"), times = 1980:1984),
  three = list(measures = c("x", "y", "z"), times = 0:3),
  help_gap = list(measures = c("alliance", "days"), times = c(6, 12, 24), file = "help"),
  wages5_gap = list(measures = c("hours", "lwage"), times = c(1980, 1981, 1983, 1984), file = "wages5"),
  starts2_gap = list(measures = two, times = c(0, 1, 4), file = "starts2_missing"),
  dpm2 = simulated(5), dpm2_missing = simulated(5),
  starts2 = simulated(5), starts2_missing = simulated(5),
  growth2 = simulated(5), growth2_missing = simulated(5),
  sites2 = simulated(4, group = "site", groups = c("A", "B", "C")),
  sites2_missing = simulated(4, group = "site", groups = c("A", "B", "C")),
  sites2_two_missing = simulated(4, group = "site", groups = c("A", "B")),
  covariates2 = simulated(4), covariates2_missing = simulated(4),
  items2 = simulated(4), items2_missing = simulated(4)
)
items <- list(x = c("a1", "a2", "a3"), y = c("b1", "b2", "b3"))
file_of <- function(name) if (is.null(data_sets[[name]]$file)) name else data_sets[[name]]$file
frames <- lapply(setNames(names(data_sets), names(data_sets)), function(name) {
  frame <- read.csv(file.path(folder, paste0(file_of(name), ".csv")))
  columns <- as.vector(outer(data_sets[[name]]$measures, data_sets[[name]]$times, paste, sep = "_"))
  # people without any value at these times are not in the panel
  if (all(columns %in% names(frame))) frame[rowSums(!is.na(frame[columns])) > 0, ] else frame
})

wanted <- list()
want <- function(data, key, ...) {
  for (name in data) wanted[[paste0(name, "/", key)]] <<- list(data = name, spec = list(...))
}
free <- list(lags = "free")

# 0. what lavaan.json has too, for the data that are new, so that differences can be taken
everyday <- c("help", "three", "wages5", "dpm2", "dpm2_missing")
grown <- c("starts2", "starts2_missing", "growth2", "growth2_missing")
for (lags in c("equal", "free")) {
  want(c(everyday, grown), paste0("riclpm/", lags), kind = "riclpm", lags = lags)
  want(c(everyday, "starts2", "growth2"), paste0("clpm/", lags), kind = "clpm", lags = lags)
}

# 1. the dynamic panel model
for (lags in c("equal", "free")) want(everyday, paste0("dpm/", lags), kind = "dpm", lags = lags)
want(c("help", "dpm2", "dpm2_missing"), "dpm/equal/residuals equal", kind = "dpm", residuals = "equal")
want(c("help", "dpm2", "dpm2_missing"), "dpm/equal/means equal", kind = "dpm", means = "equal")
want("dpm2", "dpm/equal/no y -> x", kind = "dpm", remove = "y -> x")
want(c("covariates2", "covariates2_missing"), "dpm/free/no y -> x, 0 to 1", kind = "dpm", lags = "free", fixed = list("y -> x, 0 to 1" = 0))

# 2. a trait, a stationary state, and measurement error
starts <- c("starts2", "starts2_missing")
want(starts, "starts/equal/stationary", kind = "starts", error_variance = "equal", stationary = TRUE)
want("starts2", "starts/free/stationary", kind = "starts", lags = "free", error_variance = "equal", stationary = TRUE)

# 3. growth: with structured residuals, and with lags among scores
growth <- c("growth2", "growth2_missing")
for (lags in c("equal", "free")) {
  want(growth, paste0("lcmsr/", lags), kind = "lcmsr", lags = lags)
  want(growth, paste0("alt/", lags), kind = "alt", lags = lags)
}
want("growth2", "lcmsr/equal/residuals equal", kind = "lcmsr", residuals = "equal")
want("growth2", "alt/equal/residuals equal", kind = "alt", residuals = "equal")

# 4. options of the random-intercept panel
want(c("help", "wages5", "starts2", "starts2_missing"), "riclpm/equal/stationary", kind = "riclpm", stationary = TRUE)
want("starts2_missing", "riclpm/free/stationary", kind = "riclpm", lags = "free", stationary = TRUE)
gaps <- c("help_gap", "wages5_gap", "starts2_gap")
for (kind in c("riclpm", "clpm")) {
  want(gaps, paste0(kind, "/grid"), kind = kind, lags = "grid")
  want(gaps, paste0(kind, "/grid/residuals equal"), kind = kind, lags = "grid", residuals = "equal")
  want(gaps, paste0(kind, "/free"), kind = kind, lags = "free")
  want(gaps[-1], paste0(kind, "/equal"), kind = kind)
}
for (kind in c("riclpm", "clpm")) {
  want(c("help", "wages5", "dpm2_missing", "starts2"), paste0(kind, "/equal standardized"),
    kind = kind, standardised_lags = "equal")
}
want(c("starts2", "starts2_missing"), "riclpm/equal/lag 2 of x -> x and y -> y", kind = "riclpm",
  lag_2 = c("x -> x", "y -> y"))
want("wages5", "riclpm/equal/lag 2 of hours -> lwage", kind = "riclpm", lag_2 = "hours -> lwage")
want("dpm2", "clpm/equal/lag 2 of every path", kind = "clpm", lag_2 = as.vector(paths_matrix(two)))
want(c("starts2", "starts2_missing"), "riclpm/equal/trait loadings free", kind = "riclpm", trait_loadings = "free")
want("growth2", "riclpm/free/trait loadings free", kind = "riclpm", lags = "free", trait_loadings = "free")
four <- c("covariates2", "covariates2_missing")
for (lags in c("equal", "free")) want(four, paste0("riclpm/", lags), kind = "riclpm", lags = lags)
want(four, "riclpm/free/no x -> y, 0 to 1", kind = "riclpm", lags = "free", fixed = list("x -> y, 0 to 1" = 0))
alike <- list(c("x -> y, 1 to 2", "x -> y, 2 to 3"))
want(four, "riclpm/free/x -> y alike, 1 to 2 and 2 to 3", kind = "riclpm", lags = "free", equal = alike)
want("help", "riclpm/free/no days -> alliance, 6 to 12", kind = "riclpm", lags = "free",
  fixed = list("days -> alliance, 6 to 12" = 0))

# 5. a single indicator whose error variance is known
want(c("starts2", "starts2_missing"), "riclpm/equal/error variance .2 and .15", kind = "riclpm",
  error_variance = list(x = 0.2, y = 0.15))
want("wages5", "riclpm/free/error variance .05 and .1", kind = "riclpm", lags = "free",
  error_variance = list(hours = 0.05, lwage = 0.1))

# 6. covariates
on <- list(
  "c1 and c2 on intercepts" = list(c1 = "intercepts", c2 = "intercepts"),
  "c1 and c2 on intercepts, c1 on first within" = list(c1 = c("intercepts", "first within"), c2 = "intercepts"),
  "c1 on each wave" = list(c1 = "each wave"),
  "c1 on every wave alike" = list(c1 = "every wave alike"),
  "z on each wave" = list(z = "each wave"),
  "z on every wave alike" = list(z = "every wave alike"),
  "c1 and c2 on intercepts, c1 on first within, z on every wave alike" =
    list(c1 = c("intercepts", "first within"), c2 = "intercepts", z = "every wave alike")
)
for (name in names(on)) want(four, paste0("riclpm/equal/", name), kind = "riclpm", covariates = on[[name]])
want(four, "dpm/equal/c1 and c2 on intercepts", kind = "dpm", covariates = on[["c1 and c2 on intercepts"]])
for (kind in c("clpm", "dpm")) {
  want(four, paste0(kind, "/equal/c1 on each wave"), kind = kind, covariates = list(c1 = "each wave"))
}

# 7. groups
everything <- c("lags", "means", "between", "within", "innovation")
same <- list(free = character(0), "lags equal" = "lags", "everything equal" = everything)
for (name in names(same)) {
  want(c("sites2", "sites2_missing", "sites2_two_missing"), paste0("riclpm/equal/groups/", name), kind = "riclpm",
    groups = list(equal = same[[name]]))
}
want("sites2_missing", "riclpm/free/groups/lags equal", kind = "riclpm", lags = "free", groups = list(equal = "lags"))
want("sites2", "clpm/equal/groups/lags equal", kind = "clpm", groups = list(equal = "lags"))
want("sites2", "dpm/equal/groups/lags equal", kind = "dpm", groups = list(equal = "lags"))

# 8. several indicators
for (ladder in c("configural", "weak", "strong", "strict")) {
  want(c("items2", "items2_missing"), paste0("riclpm/equal/indicators/", ladder), kind = "riclpm", indicators = items,
    invariance = ladder)
}
want("items2", "clpm/equal/indicators/strong", kind = "clpm", indicators = items, invariance = "strong")

# 9. robust standard errors, clusters and weights
designs <- list(
  robust = list(), clusters = list(cluster = "cluster"), weights = list(sampling.weights = "weight"),
  "clusters and weights" = list(cluster = "cluster", sampling.weights = "weight")
)
for (kind in c("riclpm", "clpm")) for (name in names(designs)) {
  want("wages5", paste0(kind, "/equal/", name), kind = kind, design = designs[[name]])
}
want("help", "riclpm/equal/robust", kind = "riclpm", design = list())
for (name in names(designs)) {
  want("wages5_missing", paste0("riclpm/equal/", name), kind = "riclpm", design = designs[[name]])
}

# ---- fitting all of it ----

columns_of <- function(set, spec) {
  every <- if (is.null(spec$indicators)) set$measures else unlist(spec$indicators)
  paste0(rep(every, length(set$times)), "_", rep(set$times, each = length(every)))
}

# Each variable by itself, with what was observed of it: its maximum has a closed form.
logl_of_independence <- function(frame, columns) {
  sum(sapply(frame[columns], function(x) {
    x <- x[!is.na(x)]
    -length(x) / 2 * (log(2 * pi * mean((x - mean(x))^2)) + 1)
  }))
}

# The unrestricted model of measures and covariates, and the baseline in which the measures are independent of each
# other and of the covariates; both by group.
reference_of <- function(set, spec, frame, options) {
  columns <- columns_of(set, spec)
  x <- covariate_moments(spec$covariates, set$times, frame)
  group <- if (!is.null(spec$groups)) set$group
  of_all <- do.call(unrestricted, c(list(c(columns, x$columns)), options, if (!is.null(group)) list(group = group)))
  parts <- if (is.null(group)) list(frame) else split(frame, frame[[group]])
  baseline <- sum(sapply(parts, logl_of_independence, columns)) + (if (is.null(x)) 0 else x$logl)
  k <- length(columns)
  list(
    unrestricted = of_all,
    baseline = list(
      chisq = 2 * (of_all$logl - baseline), df = length(parts) * (k * (k - 1) / 2 + k * length(x$columns))
    )
  )
}

references <- list()
fit_wanted <- function(wish) {
  set <- data_sets[[wish$data]]
  frame <- frames[[wish$data]]
  spec <- wish$spec
  columns <- columns_of(set, spec)
  options <- list(data = frame, missing = if (anyNA(frame[columns])) "ml" else "listwise")
  if (!is.null(spec$design)) return(do.call(fit_robust, c(list(set, spec, frame), options)))
  about <- paste(c(wish$data, !is.null(spec$groups), columns, names(spec$covariates)), collapse = " ")
  if (is.null(references[[about]])) references[[about]] <<- reference_of(set, spec, frame, options)
  do.call(fit_one, c(list(set, spec, frame, references[[about]]), options))
}

versions <- list(
  lavaan = packageDescription("lavaan")$Version, R = paste(R.version$major, R.version$minor, sep = "."),
  numDeriv = packageDescription("numDeriv")$Version, date = as.character(Sys.Date()),
  settings = paste(
    "lavaan's full-information log-likelihood and gradient; nlminb from four starts, then Newton steps;",
    "standard errors from the Hessian at the solution"
  )
)

# How many of the starts reached the maximum, in place of what each of them reached.
with_starts_counted <- function(fit) {
  reached <- fit$`logl by start`
  if (!is.null(reached)) fit$`starts that reached it` <- sum(abs(reached - fit$logl) < 1e-5, na.rm = TRUE)
  fit[names(fit) != "logl by start"]
}

fits <- list()
constants <- read.csv(file.path(folder, "scaling.csv"))
for (key in names(wanted)) {
  wish <- wanted[[key]]
  file <- file.path(kept, paste0(gsub("[^a-z0-9]+", "-", key), ".rds"))
  old <- if (file.exists(file)) readRDS(file)
  if (!identical(old$wish, wish)) {
    seconds <- system.time(found <- fit_wanted(wish))[["elapsed"]]
    old <- list(wish = wish, found = found, seconds = seconds)
    saveRDS(old, file)
  }
  fits[[key]] <- with_starts_counted(old$found)
  cat(sprintf(
    "%-100s %15.6f %3d %4s %8.1e %s %6.1f s\n", key, old$found$`-2LL`, old$found$npar, format(old$found$df),
    old$found$`largest gradient`, if (isFALSE(old$found$admissible)) "IMPROPER" else "", old$seconds
  ))
}

described <- lapply(setNames(names(data_sets), names(data_sets)), function(name) {
  mine <- constants[constants$data == file_of(name), ]
  list(
    file = file_of(name), people = nrow(frames[[name]]), measures = as.list(mine$measure), times = data_sets[[name]]$times,
    scaling = lapply(split(mine[c("centre", "scale")], factor(mine$measure, mine$measure)), as.list)
  )
})
options(json.indent = 1) # the file is large
writeLines(to_json(c(versions, list(data = described, fits = fits))), arguments[2])
